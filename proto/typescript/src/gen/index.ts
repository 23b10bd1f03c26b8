// The messages and services of the contract, made by generate.mjs.
export * from "./admin_pb.js";
export * from "./backup_pb.js";
export * from "./batch_pb.js";
export * from "./bias_pb.js";
export * from "./common_pb.js";
export * from "./evaluation_pb.js";
export * from "./job_service_pb.js";
export * from "./language_model_pb.js";
export * from "./search_pb.js";
export * from "./table_pb.js";
export * from "./text_pb.js";
export * from "./training_pb.js";
export * from "./transfer_pb.js";
