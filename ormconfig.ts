import { createDataSource } from "./src/dataSource";

/** The DataSource that TypeORM's own commands take with `-d`. */
export const dataSource = createDataSource();
