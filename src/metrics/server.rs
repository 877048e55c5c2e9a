//! Answers scrapers and probes.

use super::Metrics;
use std::net::SocketAddr;
use std::sync::Arc;
use tiny_http::{Header, Method, Request, Response};

/// The address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{at} cannot be listened on: {why}\n  hint: is another process there? see metrics.listen")]
#[non_exhaustive]
pub struct ServerError {
    /// The address.
    pub at: SocketAddr,
    /// The system's word.
    pub why: String,
}

/// Listens until it is dropped.
///
/// # Security
/// There is no password and no TLS: the default is an address of loopback. What is told holds nothing of a record.
pub struct Server {
    server: Arc<tiny_http::Server>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.server.server_addr())
    }
}

impl Server {
    /// Begins to answer `GET` of `/metrics`, `/livez`, `/readyz` and `/startupz`.
    ///
    /// # Errors
    /// The address is taken, or not ours.
    pub fn start(at: SocketAddr, metrics: Arc<dyn AsRef<Metrics> + Send + Sync>) -> Result<Self, ServerError> {
        let server = tiny_http::Server::http(at).map_err(|err| ServerError { at, why: err.to_string() })?;
        let server = Arc::new(server);
        let thread = {
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    answer(request, (*metrics).as_ref());
                }
            })
        };
        Ok(Self { server, thread: Some(thread) })
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.server_addr().to_ip()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            // It panics only by a bug of ours, which is told there.
            let _ = thread.join();
        }
    }
}

fn answer(request: Request, metrics: &Metrics) {
    let is_read = matches!(request.method(), Method::Get | Method::Head);
    let path = request.url().split('?').next().unwrap_or_default();
    let said = |is: bool| if is { (200, "yes\n".to_owned()) } else { (503, "no\n".to_owned()) };
    let (code, body) = match path {
        _ if !is_read => (405, "GET\n".to_owned()),
        "/metrics" => (200, metrics.text()),
        "/livez" => said(metrics.is_alive()),
        "/readyz" => said(metrics.is_ready()),
        "/startupz" => said(metrics.is_started()),
        _ => (404, "/metrics /livez /readyz /startupz\n".to_owned()),
    };
    let kind = if path == "/metrics" {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; charset=utf-8"
    };
    let mut response = Response::from_string(body).with_status_code(code);
    if let Ok(header) = Header::from_bytes("Content-Type", kind) {
        response = response.with_header(header);
    }
    // Whoever asked may be gone.
    let _ = request.respond(response);
}
