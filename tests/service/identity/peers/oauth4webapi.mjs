// npm oauth4webapi against a live node: the same two profiles with the low-level library, each step by hand.
import * as oauth from "oauth4webapi";
import { Browser, expect } from "./browsing.mjs";

const [origin, keysText] = process.argv.slice(2);
const keys = JSON.parse(keysText);
const redirect_uri = "https://app.example/cb";
const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(origin);

async function metadata(algorithm) {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...insecure, algorithm }));
}

// One retry with the nonce the server gives, as RFC 9449 s8 asks.
async function withNonce(send, process) {
  try {
    return await process(await send());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    expect(true, "asked for a nonce, and came again");
    return process(await send());
  }
}

async function fapi2(form) {
  const as = await metadata(form);
  expect(as.issuer === origin && as.pushed_authorization_request_endpoint, `${form} discovery`);
  const client = { client_id: "loan-app", id_token_signed_response_alg: "ES256" };
  const key = await crypto.subtle.importKey("jwk", keys.loan, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const auth = oauth.PrivateKeyJwt({ key, kid: keys.loan.kid });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const options = { ...insecure, DPoP };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const asked = new URLSearchParams({
    client_id: client.client_id, redirect_uri, response_type: "code", scope: "openid", state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const pushed = await withNonce(
    () => oauth.pushedAuthorizationRequest(as, client, auth, asked, options),
    (answer) => oauth.processPushedAuthorizationResponse(as, client, answer),
  );
  expect(pushed.expires_in === 60, "PAR");
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
  const back = await new Browser(origin).authorize(url.href, "ann");
  const parameters = oauth.validateAuthResponse(as, client, back, state);
  const tokens = await withNonce(
    () => oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirect_uri, verifier, options),
    (answer) => oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true }),
  );
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  const info = await withNonce(
    () => oauth.userInfoRequest(as, client, tokens.access_token, options),
    (answer) => oauth.processUserInfoResponse(as, client, sub, answer),
  );
  expect(info.sub === sub, "userinfo");
  const fresh = await withNonce(
    () => oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, options),
    (answer) => oauth.processRefreshTokenResponse(as, client, answer),
  );
  expect(fresh.token_type === "dpop", "refresh");
  const seen = await oauth.processIntrospectionResponse(
    as, client, await oauth.introspectionRequest(as, client, auth, fresh.access_token, insecure),
  );
  expect(seen.active, "introspection");
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, fresh.refresh_token, insecure));
  const after = await oauth.processIntrospectionResponse(
    as, client, await oauth.introspectionRequest(as, client, auth, fresh.access_token, insecure),
  );
  expect(!after.active, "revoked");
}

// The basic profile: a secret in either way, PKCE, an RS256 ID token, a bearer token; and what an attacker gets.
async function basic(client_id, auth) {
  const as = await metadata("oidc");
  const client = { client_id, id_token_signed_response_alg: "RS256" };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id, redirect_uri, response_type: "code", scope: "openid", state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const back = await new Browser(origin).authorize(url.href, "ann");
  const parameters = oauth.validateAuthResponse(as, client, back, state);
  const redeem = (code_verifier) =>
    oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirect_uri, code_verifier, insecure);
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, await redeem(verifier), {
    expectedNonce: nonce, requireIdToken: true,
  });
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  expect(tokens.token_type === "bearer", `basic: ${client_id} signs in`);
  const info = await oauth.processUserInfoResponse(
    as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, insecure),
  );
  expect(info.sub === sub, `basic: ${client_id} userinfo`);
  expect((await redeem(verifier)).status === 400, `basic: ${client_id} code replay is refused`);
  const after = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
  expect(after.status === 401, `basic: ${client_id} the replay ended the token`);
  const mixed = new URL(back);
  mixed.searchParams.set("iss", "https://evil.example");
  let noticed = false;
  try {
    oauth.validateAuthResponse(as, client, mixed, state);
  } catch {
    noticed = true;
  }
  expect(noticed, `basic: ${client_id} notices a mix-up by iss`);
}

await fapi2("oidc");
await fapi2("oauth2");
await basic("library", oauth.ClientSecretBasic("library-secret"));
await basic("museum", oauth.ClientSecretPost("museum-secret"));
console.log("all passed");
