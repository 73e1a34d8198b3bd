const mysql = require("mysql2/promise");

/** The dashboard's own pool; the package's DataSource has another one and reads the same variables. */
function createPool() {
	return mysql.createPool({
		host: process.env.DB_HOST || "dployr-mariadb",
		port: Number(process.env.DB_PORT || 3306),
		user: process.env.DB_USERNAME || "dashboard_user",
		password: process.env.DB_PASSWORD,
		database: process.env.DB_DATABASE || "dashboard",
	});
}

const TABLES = [
	`CREATE TABLE IF NOT EXISTS dashboard_users (
		id INT AUTO_INCREMENT PRIMARY KEY,
		username VARCHAR(50) UNIQUE NOT NULL,
		password_hash VARCHAR(255) NOT NULL,
		system_username VARCHAR(50) NOT NULL,
		is_admin BOOLEAN DEFAULT FALSE,
		approved BOOLEAN DEFAULT FALSE,
		created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
	)`,
	`CREATE TABLE IF NOT EXISTS project_ports (
		project_name VARCHAR(100) PRIMARY KEY,
		port INT NOT NULL UNIQUE
	)`,
];

const LATER_COLUMNS = [
	"ALTER TABLE dashboard_users ADD COLUMN language VARCHAR(5) DEFAULT 'de'",
	"ALTER TABLE dashboard_users ADD COLUMN email VARCHAR(255) NULL",
];

/** The dashboard's own tables, made or extended at every start, without a record of what ran. */
async function ensureSchema(pool) {
	for (const statement of TABLES) await pool.query(statement);
	for (const statement of LATER_COLUMNS) {
		try {
			await pool.query(statement);
		} catch {
			// The column is probably there already. The package's migrations replace such guesses.
		}
	}
}

module.exports = { createPool, ensureSchema, TABLES };
