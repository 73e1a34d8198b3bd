import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { DatabaseModule } from "./database.module.js";
import { WorkspacesErrorFilter } from "./errors.filter.js";
import { WorkspacesController } from "./workspaces.controller.js";

@Module({ imports: [DatabaseModule], controllers: [WorkspacesController] })
class ApplicationModule {}

async function main(): Promise<void> {
	const application = await NestFactory.create(ApplicationModule, { logger: ["error", "warn"] });
	application.useGlobalFilters(new WorkspacesErrorFilter());
	application.enableShutdownHooks();
	await application.listen(process.env["PORT"] ?? 3000, "127.0.0.1");
	console.log(`Listening on ${await application.getUrl()}`);
}

void main();
