export * from "./entities";
export * from "./entities/enums";
