// npm @openid4vc/openid4vci as the wallet: from our offer's link to a batch of credentials. In: JSON on stdin; out: JSON.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { clientAuthenticationAnonymous, HashAlgorithm, Oauth2Error, setGlobalConfig } from "@openid4vc/oauth2";
import { Openid4vciClient } from "@openid4vc/openid4vci";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";

const asked = JSON.parse(readFileSync(0, "utf8"));
setGlobalConfig({ allowInsecureUrls: true });
const privates = new Map();

async function holder() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  privates.set(await calculateJwkThumbprint(publicJwk), privateKey);
  return { signer: { method: "jwk", alg: "ES256", publicJwk }, privateJwk: await exportJWK(privateKey) };
}

const client = new Openid4vciClient({
  callbacks: {
    fetch,
    generateRandom: (size) => new Uint8Array(randomBytes(size)),
    hash: (data, alg) => new Uint8Array(createHash({ [HashAlgorithm.Sha256]: "sha256" }[alg]).update(data).digest()),
    clientAuthentication: clientAuthenticationAnonymous(),
    signJwt: async (signer, { header, payload }) => {
      const key = privates.get(await calculateJwkThumbprint(signer.publicJwk));
      return { jwt: await new SignJWT(payload).setProtectedHeader(header).sign(key), signerJwk: signer.publicJwk };
    },
  },
});

const credentialOffer = await client.resolveCredentialOffer(asked.offer);
const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer);
const dpopKey = asked.dpop ? await holder() : undefined;
const dpop = dpopKey && { signer: dpopKey.signer };
let redeemed;
try {
  redeemed = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer, issuerMetadata, txCode: asked.txCode, dpop,
  });
} catch (error) {
  if (!(error instanceof Oauth2Error)) throw error;
  console.log(JSON.stringify({ refused: error.errorResponse?.error ?? error.message }));
  process.exit(0);
}
const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata });
const [credentialConfigurationId] = credentialOffer.credential_configuration_ids;
const holders = [];
const jwt = [];
for (let count = 0; count < asked.batch; count += 1) {
  const one = await holder();
  holders.push(one.privateJwk);
  const proof = { issuerMetadata, signer: one.signer, nonce, credentialConfigurationId };
  jwt.push((await client.createCredentialRequestJwtProof(proof)).jwt);
}
const { credentialResponse } = await client.retrieveCredentials({
  accessToken: redeemed.accessTokenResponse.access_token,
  issuerMetadata, credentialConfigurationId, proofs: { jwt }, dpop: dpop && { ...dpop, ...redeemed.dpop },
});
console.log(JSON.stringify({
  version: issuerMetadata.originalDraftVersion,
  type: redeemed.accessTokenResponse.token_type,
  known: issuerMetadata.knownCredentialConfigurations,
  credentials: credentialResponse.credentials.map((one) => one.credential),
  holders,
}));
