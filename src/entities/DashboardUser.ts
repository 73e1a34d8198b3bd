import { Column, Entity, PrimaryGeneratedColumn } from "typeorm";

/**
 * A user of the dashboard, read only.
 *
 * `dashboard_users` belongs to the dashboard: this entity maps just the columns that the package reads, and
 * `synchronize: false` keeps the schema builder off the rest of the table.
 *
 * @example
 * const ada = await dataSource.getRepository(DashboardUser).findOneBy({ username: "ada" });
 * if (ada) console.log(`/home/${ada.systemUsername}`);
 */
@Entity("dashboard_users", { synchronize: false })
export class DashboardUser {
	/** What errors call it. */
	static readonly entityName = "DashboardUser";

	/** What the five tables refer to. */
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	/** The name with which the user signs in. */
	@Column({ type: "varchar", length: 50, unique: true })
	username!: string;

	/** The user's account on the server, which owns the project's files. */
	@Column({ name: "system_username", type: "varchar", length: 50 })
	systemUsername!: string;
}
