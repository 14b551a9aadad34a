// npm openid-client against a live node: fapi2 and basic from end to end. Arguments: origin, keys as JSON.
import * as oidc from "openid-client";
import { Browser, expect, refused } from "./browsing.mjs";

const [origin, keysText] = process.argv.slice(2);
const keys = JSON.parse(keysText);
const redirect_uri = "https://app.example/cb";
const LOAN = [{ type: "loan", datatypes: ["income"], purpose: "063" }];

async function imported(jwk) {
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  return { key, kid: jwk.kid };
}

async function discovered(id, metadata, auth) {
  const config = await oidc.discovery(new URL(origin), id, { ...metadata, redirect_uris: [redirect_uri] }, auth, {
    execute: [oidc.allowInsecureRequests],
  });
  return config;
}

async function fapi2() {
  const key = await imported(keys.loan);
  const config = await discovered("loan-app", { id_token_signed_response_alg: "ES256" }, oidc.PrivateKeyJwt(key));
  const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
  const verifier = oidc.randomPKCECodeVerifier();
  const nonce = oidc.randomNonce();
  const state = oidc.randomState();
  const parameters = {
    redirect_uri,
    scope: "openid offline_access grant_management_query grant_management_revoke",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    authorization_details: JSON.stringify(LOAN),
    grant_management_action: "create",
    resource: "https://tax.example",
    nonce,
    state,
  };
  await refused(oidc.buildAuthorizationUrlWithPAR(config, { ...parameters, code_challenge_method: "plain" }), "plain PKCE", "invalid_request");
  await refused(
    oidc.buildAuthorizationUrlWithPAR(config, { ...parameters, authorization_details: '[{"type":"secrets"}]' }),
    "an unknown type of data", "invalid_authorization_details",
  );
  const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP: dpop });
  expect([...url.searchParams.keys()].sort().join() === "client_id,request_uri", "the address holds two parameters");
  const browser = new Browser(origin);
  const back = await browser.authorize(url.href, "ann");
  expect(back.searchParams.get("iss") === origin, "iss in the answer");
  const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state };
  const tokens = await oidc.authorizationCodeGrant(config, back, checks, undefined, { DPoP: dpop });
  expect(tokens.token_type === "dpop", "a bound token, after the nonce's retry");
  expect(tokens.authorization_details[0].datatypes[0] === "income", "details echoed");
  expect(tokens.claims().acr === "urn:banyan:acr:aal2", "acr");
  const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: dpop });
  expect(info.sub === tokens.claims().sub, "userinfo by DPoP");
  const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
  await refused(oidc.fetchUserInfo(config, tokens.access_token, info.sub, { DPoP: other }), "a stolen token with another key", 401);
  await refused(oidc.fetchUserInfo(config, tokens.access_token, info.sub), "a bound token as a bearer", 401);
  const seen = await oidc.tokenIntrospection(config, tokens.access_token);
  expect(seen.active && seen.cnf.jkt && seen.authorization_details.length === 1, "introspection with cnf and details");

  const service = await discovered("tax-office", {}, oidc.PrivateKeyJwt(await imported(keys.tax)));
  const serviceDpop = oidc.getDPoPHandle(service, await oidc.randomDPoPKeyPair("ES256"));
  const exchanged = await oidc.genericGrantRequest(service, "urn:ietf:params:oauth:grant-type:token-exchange", {
    subject_token: tokens.access_token,
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    resource: "https://land.example",
  }, { DPoP: serviceDpop });
  expect((await oidc.tokenIntrospection(service, exchanged.access_token)).act.sub === "tax-office", "token exchange");

  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop });
  expect(fresh.refresh_token !== tokens.refresh_token, "refresh rotates");
  await refused(oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop }), "a used refresh token", "invalid_grant");
  expect(!(await oidc.tokenIntrospection(config, fresh.access_token)).active, "its reuse ended the family");

  const again = await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP: dpop });
  const twice = await browser.authorize(again.href, "ann");
  const second = await oidc.authorizationCodeGrant(config, twice, checks, undefined, { DPoP: dpop });
  const grants = new URL(`/openid/grants/${second.grant_id}`, origin);
  const queried = await oidc.fetchProtectedResource(config, second.access_token, grants, "GET", null, undefined, { DPoP: dpop });
  expect((await queried.json()).authorization_details[0].type === "loan", "grant query");
  const ended = await oidc.fetchProtectedResource(config, second.access_token, grants, "DELETE", null, undefined, { DPoP: dpop });
  expect(ended.status === 204, "grant revoked");
  expect(!(await oidc.tokenIntrospection(config, second.access_token)).active, "its tokens ended at once");
  await refused(oidc.authorizationCodeGrant(config, twice, checks, undefined, { DPoP: dpop }), "a code twice", "invalid_grant");

  const no = await new Browser(origin).authorize((await oidc.buildAuthorizationUrlWithPAR(config, parameters)).href, "bob", "decline");
  await refused(oidc.authorizationCodeGrant(config, no, checks, undefined, { DPoP: dpop }), "the person declined", "access_denied");
  const direct = await new Browser(origin).open(oidc.buildAuthorizationUrl(config, parameters).href);
  expect(direct.status === 400, "a request in the address is refused on a page");
  const wrong = await discovered("loan-app", { id_token_signed_response_alg: "ES256" }, oidc.PrivateKeyJwt(await imported(keys.tax)));
  await refused(oidc.buildAuthorizationUrlWithPAR(wrong, parameters), "another's key", "invalid_client");
  const own = await oidc.clientCredentialsGrant(config, { scope: "grant_management_query" }, { DPoP: dpop });
  expect(own.scope === "grant_management_query", "client credentials");
}

async function basic() {
  for (const [id, auth] of [["library", oidc.ClientSecretBasic("library-secret")], ["museum", oidc.ClientSecretPost("museum-secret")]]) {
    const config = await discovered(id, {}, auth);
    const verifier = oidc.randomPKCECodeVerifier();
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
    const parameters = {
      redirect_uri, scope: "openid agency", state, nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
    };
    const browser = new Browser(origin);
    const back = await browser.authorize(oidc.buildAuthorizationUrl(config, parameters).href, "eve");
    const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, maxAge: undefined };
    const tokens = await oidc.authorizationCodeGrant(config, back, checks);
    expect(tokens.token_type === "bearer", `${id}: a bearer token, RS256 id_token`);
    const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    expect(info.agency === "TW/GOV/CDC" && info.roles[0] === "epi", `${id}: the officer's agency and roles`);
    const silent = await browser.open(oidc.buildAuthorizationUrl(config, { ...parameters, prompt: "none" }).href);
    expect(silent.outside.searchParams.get("code"), `${id}: prompt=none when signed in and agreed before`);
    const stranger = await new Browser(origin).open(oidc.buildAuthorizationUrl(config, { ...parameters, prompt: "none" }).href);
    expect(stranger.outside.searchParams.get("error") === "login_required", `${id}: prompt=none for a stranger`);
    const again = await browser.open(oidc.buildAuthorizationUrl(config, { ...parameters, prompt: "login" }).href);
    expect(again.text.includes('name="persona"'), `${id}: prompt=login asks again`);
    const more = await browser.open(oidc.buildAuthorizationUrl(config, { ...parameters, authorization_details: "[{}]" }).href);
    expect(more.outside.searchParams.get("error") === "invalid_authorization_details", `${id}: may not ask for data`);
    const out = await browser.open(oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://app.example/bye", state: "s",
    }).href);
    expect(out.outside?.href === "https://app.example/bye?state=s", `${id}: signed out at once, back to the app`);
    const after = await browser.open(oidc.buildAuthorizationUrl(config, { ...parameters, prompt: "none" }).href);
    expect(after.outside.searchParams.get("error") === "login_required", `${id}: the session is gone`);
  }
}

await fapi2();
await basic();
console.log("all passed");
