import { createDataSource } from "./src/connection";

export default createDataSource();
