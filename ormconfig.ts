import { createDataSource } from "./src/dataSource";

export default createDataSource();
