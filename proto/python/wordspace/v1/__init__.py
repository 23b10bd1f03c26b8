"""The messages of the contract, a module a proto file, made by `generate`."""

__all__ = ["admin_pb2", "backup_pb2", "batch_pb2", "bias_pb2", "common_pb2", "evaluation_pb2", "job_service_pb2", "language_model_pb2", "search_pb2", "table_pb2", "text_pb2", "training_pb2", "transfer_pb2"]
