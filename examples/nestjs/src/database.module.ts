import { Global, Module, type Type } from "@nestjs/common";
import { getDataSourceToken, TypeOrmModule } from "@nestjs/typeorm";
import {
	createDataSource,
	entities,
	migrate,
	PortRepository,
	PreviewEnvironmentRepository,
	ResourceLimitRepository,
	UserApiKeyRepository,
	WorkspaceLogRepository,
	WorkspaceRepository,
} from "dployr-workspaces-db";
import type { DataSource } from "typeorm";

/** Each under its own class, so that a constructor asks for it by its type. */
const REPOSITORIES: readonly (Type & { from(source: DataSource): object })[] = [
	WorkspaceRepository,
	PreviewEnvironmentRepository,
	PortRepository,
	ResourceLimitRepository,
	UserApiKeyRepository,
	WorkspaceLogRepository,
];

const providers = REPOSITORIES.map((repository) => ({
	provide: repository,
	inject: [getDataSourceToken()],
	useFactory: (dataSource: DataSource) => repository.from(dataSource),
}));

/** The package's own DataSource, connected and migrated before the application listens; Nest closes it. */
@Global()
@Module({
	imports: [
		TypeOrmModule.forRootAsync({
			useFactory: () => ({ type: "mysql" }),
			dataSourceFactory: async () => {
				const dataSource = await createDataSource().initialize();
				await migrate(dataSource);
				return dataSource;
			},
		}),
		// For those who inject TypeORM's plain repositories: @InjectRepository(Workspace).
		TypeOrmModule.forFeature([...entities]),
	],
	providers,
	exports: [...REPOSITORIES, TypeOrmModule],
})
export class DatabaseModule {}
