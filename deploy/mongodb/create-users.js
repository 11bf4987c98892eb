// Runs once, on an empty data volume, before the server takes connections: makes the user that the
// API and the worker log in as. It may read and write its own database and nothing else.
const password = require("fs").readFileSync("/run/secrets/mongodb_app_password", "utf8").trim();

db.getSiblingDB("admin").createUser({
  user: "trials",
  pwd: password,
  roles: [{ role: "readWrite", db: process.env.MONGODB_DATABASE }],
});
