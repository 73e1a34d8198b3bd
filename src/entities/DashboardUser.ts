import { Column, Entity, PrimaryGeneratedColumn } from "typeorm";

/**
 * A user of the host application, read only.
 *
 * `dashboard_users` belongs to the dashboard: this entity maps just the columns that the module reads, and
 * `synchronize: false` keeps the schema builder off the rest of the table.
 */
@Entity("dashboard_users", { synchronize: false })
export class DashboardUser {
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	@Column({ type: "varchar", length: 50, unique: true })
	username!: string;

	@Column({ name: "system_username", type: "varchar", length: 50 })
	systemUsername!: string;
}
