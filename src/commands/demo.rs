//! `agentmap demo`.

use super::{Fault, Ran, descriptors, logging, output, serve};
use crate::app::system_clock;
use crate::config::{Config, Webhooks};
use crate::demo;
use crate::domain::time::Timestamp;
use crate::http::tls::Tls;

pub async fn demo(mut config: Config) -> Ran {
    descriptors::make_room(&mut config);
    // Its own requests are nobody's news, unless asked for.
    let log = if config.is_default("log") { "warn".into() } else { config.log.clone() };
    // What happens to a fleet that does not exist is told nobody else.
    let config = Config { log, webhooks: Webhooks::default(), ..config };
    logging::start(&config)?;
    Tls::load(&config).map_err(|e| Fault::new(e.to_string()))?;
    let listener = match serve::bind(&config).await {
        // A newcomer has something else on the usual port: any other will do.
        Err(_) if config.is_default("port") => serve::bind(&Config { port: 0, ..config.clone() }).await?,
        bound => bound?,
    };
    let address = listener.local_addr().map_err(|e| Fault::new(e.to_string()))?;
    let clock = system_clock();
    let Timestamp(seed) = clock();
    let opened = demo::open(config, seed.cast_unsigned(), clock).await;
    let (app, life) = opened.map_err(|e| Fault::new(format!("cannot start the demo: {e}")))?;
    // Its data is in memory: no command makes a token for it.
    serve::check_door(&app, address, "stay on this machine, without --host")?;
    let asked_to_end = serve::asked_to_end();
    serve::announce(&app, address, "in memory, gone when this stops");
    let follow = match &app.config.tls_cert {
        Some(file) => format!(" --url https://{address} --certificate {}", file.display()),
        None if address.port() == 8000 => String::new(),
        None => format!(" --url http://{address}"),
    };
    output::say(&format!("Follow it in another terminal: agentmap watch{follow}"));
    let show = tokio::spawn(demo::play(std::sync::Arc::clone(&app), life));
    let ran = serve::run(app, listener, asked_to_end).await;
    show.abort();
    ran
}
