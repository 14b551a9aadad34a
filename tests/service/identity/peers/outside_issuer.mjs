// npm oidc-provider (certified) as an outside issuer. Arguments: port, redirect address. Any name signs in.
import http from "node:http";
import Provider from "oidc-provider";

const [port, redirect_uri] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "banyan",
      client_secret: "only-for-tests-0123456789-abcdef",
      redirect_uris: [redirect_uri],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  cookies: { keys: ["only for tests"] },
  features: { devInteractions: { enabled: true } },
});
http.createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("ready"));
