//! The server: one call at a time, each within its limits.

use std::sync::Arc;

use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
    transport::stdio,
};
use tokio::sync::Semaphore;

use super::{
    arguments::Arguments,
    calls::Calls,
    folders::Folders,
    limits::Limits,
    tools::{Description, TOOLS},
};
use crate::error::{InputError, Result};

const INSTRUCTIONS: &str = "\
partscope takes a language model apart into attention heads (L5.H3) and MLPs (L5.MLP) while it does in-context learning, and \
re-mixes them into a better classifier. Start with `run`; the other tools read its folder. Every answer has `n`, `interval`, \
`fdr` and `test_labels`: repeat them where you report a number. A contribution is a direct effect; `ablate` measures total effects. \
Do not choose components or methods by test accuracy; `components` ranks by training labels.";

/// Serves the tools on standard input and output until the client leaves.
///
/// # Errors
/// If the client does not speak the protocol.
pub(crate) fn serve(folders: Folders, limits: Limits) -> Result<()> {
    let failed =
        |error: &dyn std::fmt::Display| InputError::new(format!("the connection to the agent failed: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    let server = Server { calls: Calls { folders, limits }, one: Arc::new(Semaphore::new(1)) };
    runtime.block_on(async {
        let service = server.serve(stdio()).await.map_err(|error| failed(&error))?;
        service.waiting().await.map_err(|error| failed(&error))?;
        Ok(())
    })
}

#[derive(Clone, Debug)]
struct Server {
    calls: Calls,
    /// Calls wait for each other: each may use all cores.
    one: Arc<Semaphore>,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("partscope", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(TOOLS.iter().map(Description::tool).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = Description::named(&request.name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool {}", request.name), None));
        };
        let work = async {
            let arguments = Arguments::new(request.arguments, &tool.known())?;
            let _turn = self.one.acquire().await.map_err(|error| error.to_string())?;
            self.calls.call(tool.name, &arguments).await
        };
        // A cancelled call drops its child, which ends it.
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = context.ct.cancelled() => Err("cancelled".to_owned()),
        };
        let result = match outcome {
            Ok(answer) => CallToolResult::structured(answer),
            Err(sentence) => CallToolResult::error(vec![ContentBlock::text(sentence)]),
        };
        Ok(result.into())
    }
}
