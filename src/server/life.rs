//! Conversions of TableService's calls for the life of tables: made, copied, renamed, deleted; aliases.

use crate::engine::TableStatus;
use crate::engine::life::{Alias, AliasSet, CreateOptions};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::server::wire::{Fields, Named, Nothing, seconds_since_1970};
use crate::table::meta::{IndexChoice, TableName};

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
        match fields.choice("dtype", request.dtype) {
            pb::Dtype::Unspecified | pb::Dtype::F32 => {}
        }
        let index = index_choice(fields.choice("index", request.index));
        fields.bytes("license", request.license.len(), limits::SOURCE_BYTES_MAX);
        let tokenizer = Some(request.tokenizer).filter(|name| !name.is_empty());
        let (license, created_at) = (request.license, seconds_since_1970());
        fields.finish(|| Some(Self { table: table?, dim, index, tokenizer, license, created_at }))
    }
}

/// Which index a table is to have.
pub(super) fn index_choice(kind: pb::IndexKind) -> IndexChoice {
    match kind {
        pb::IndexKind::Unspecified => IndexChoice::Auto,
        pb::IndexKind::Hnsw => IndexChoice::Hnsw,
        pb::IndexKind::Partition => IndexChoice::Partition,
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
