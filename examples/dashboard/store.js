const { openWorkspaces } = require("dployr-workspaces-db");
const { createPool } = require("./database");

/** Made when this file is loaded, as the dashboard's services are: both connect when they are first used. */
const db = openWorkspaces();
const pool = createPool();

module.exports = { db, pool };
