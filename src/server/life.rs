//! Conversions of TableService's calls for the life of tables: made, copied, renamed, deleted; aliases.

use crate::engine::TableStatus;
use crate::engine::life::{Alias, AliasSet, CreateOptions};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::server::wire::{Fields, Named, Nothing, seconds_since_1970};
use crate::table::meta::{IndexChoice, Residence, TableName};
use crate::vector::Dtype;

/// Some tables.
pub(super) struct Tables(pub(super) Vec<TableName>);

/// A table, and a further name.
pub(super) struct NewName {
    pub(super) of: TableName,
    pub(super) name: TableName,
}

impl TryFrom<pb::CreateTableRequest> for CreateOptions {
    type Error = Error;

    fn try_from(request: pb::CreateTableRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let dim = fields.number("dim", Some(request.dim), 1..=limits::DIM_MAX, 1);
        let dtype = dtype(fields.choice("dtype", request.dtype)).unwrap_or_default();
        let residence = residence(request.on_disk);
        let index = index_choice(fields.choice("index", request.index));
        fields.bytes("license", request.license.len(), limits::SOURCE_BYTES_MAX);
        let tokenizer = Some(request.tokenizer).filter(|name| !name.is_empty());
        let (license, created_at) = (request.license, seconds_since_1970());
        fields.finish(|| {
            let table = table?;
            Some(Self { table, dim, dtype, residence, index, tokenizer, license, created_at })
        })
    }
}

/// How vectors are to be kept; none if that is left open.
pub(super) fn dtype(dtype: pb::Dtype) -> Option<Dtype> {
    match dtype {
        pb::Dtype::Unspecified => None,
        pb::Dtype::F32 => Some(Dtype::F32),
        pb::Dtype::F16 => Some(Dtype::F16),
        pb::Dtype::Bf16 => Some(Dtype::Bf16),
        pb::Dtype::I8 => Some(Dtype::I8),
    }
}

/// Where vectors are to be.
pub(super) fn residence(on_disk: bool) -> Residence {
    if on_disk { Residence::Disk } else { Residence::Memory }
}

impl From<Dtype> for pb::Dtype {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
            Dtype::Bf16 => Self::Bf16,
            Dtype::I8 => Self::I8,
        }
    }
}

/// Which index a table is to have.
pub(super) fn index_choice(kind: pb::IndexKind) -> IndexChoice {
    match kind {
        pb::IndexKind::Unspecified => IndexChoice::Auto,
        pb::IndexKind::Hnsw => IndexChoice::Hnsw,
        pb::IndexKind::Partition => IndexChoice::Partition,
        pb::IndexKind::None => IndexChoice::None,
    }
}

/// Requests that give a table a further name.
macro_rules! gives_name {
    ($($request:ident: $field:ident),*) => {$(
        impl TryFrom<pb::$request> for NewName {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let mut fields = Fields::default();
                let of = fields.table(request.table);
                let name = fields.name_of("table", stringify!($field), request.$field);
                fields.finish(|| Some(Self { of: of?, name: name? }))
            }
        }
    )*};
}

gives_name!(CopyTableRequest: new_name, RenameTableRequest: new_name, SetAliasRequest: alias);

impl TryFrom<pb::RemoveAliasRequest> for Named {
    type Error = Error;

    fn try_from(request: pb::RemoveAliasRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.name_of("table", "alias", request.alias);
        fields.finish(|| name.map(Self))
    }
}

impl TryFrom<pb::ListAliasesRequest> for Nothing {
    type Error = Error;

    fn try_from(_: pb::ListAliasesRequest) -> Result<Self> {
        Ok(Self)
    }
}

impl TryFrom<pb::DeleteTablesRequest> for Tables {
    type Error = Error;

    fn try_from(request: pb::DeleteTablesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        fields.count("tables", request.tables.len(), 1..=limits::DELETED_TABLES_MAX);
        let tables = request
            .tables
            .into_iter()
            .enumerate()
            .map(|(i, name)| fields.name_of("table", &format!("tables[{i}]"), name));
        let tables: Option<Vec<_>> = tables.collect();
        fields.finish(|| tables.map(Self))
    }
}

/// Answers that are a table.
macro_rules! tells_table {
    ($($response:ident),*) => {$(
        impl From<TableStatus> for pb::$response {
            fn from(table: TableStatus) -> Self {
                Self { table: Some(table.into()) }
            }
        }
    )*};
}

tells_table!(
    GetTableResponse,
    CreateTableResponse,
    CopyTableResponse,
    RenameTableResponse,
    DeleteTableResponse
);

/// Tables that were deleted.
pub(super) fn deleted(tables: Vec<TableStatus>) -> pb::DeleteTablesResponse {
    pb::DeleteTablesResponse { tables: tables.into_iter().map(pb::Table::from).collect() }
}

impl From<Alias> for pb::Alias {
    fn from(alias: Alias) -> Self {
        Self { name: alias.name.to_string(), table: alias.table.to_string() }
    }
}

impl From<AliasSet> for pb::SetAliasResponse {
    fn from(AliasSet { alias, before }: AliasSet) -> Self {
        let previous_table = before.map_or_else(String::new, |table| table.to_string());
        Self { alias: Some(alias.into()), previous_table }
    }
}

impl From<Alias> for pb::RemoveAliasResponse {
    fn from(alias: Alias) -> Self {
        Self { alias: Some(alias.into()) }
    }
}

/// All aliases.
pub(super) fn aliases(aliases: Vec<Alias>) -> pb::ListAliasesResponse {
    pb::ListAliasesResponse { aliases: aliases.into_iter().map(pb::Alias::from).collect() }
}
