// The messages and services of the contract.
export * from "./gen/index.js";
