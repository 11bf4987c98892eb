// An OpenID Connect provider on the loopback with two people, for the tests: whoever signs in by a name is
// believed. It is given the address that it sends people back to, and prints its own.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirect, secret] = process.argv.slice(2);
const people = {
  ada: { preferred_username: "ada", email: "ada@marketplace.example", groups: ["trials-operators", "others"] },
  eve: { preferred_username: "eve@marketplace.example", email: "eve@marketplace.example", groups: ["others"] },
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "trials", client_secret: secret, redirect_uris: [redirect], response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"],
    }],
    scopes: ["openid", "profile", "groups"],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    cookies: { keys: ["of the tests"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
  });
  server.on("request", provider.callback());
  console.log(`listening at ${issuer}`);
});
