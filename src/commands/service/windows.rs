//! Services of Windows.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept,
    ServiceErrorControl, ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo,
    ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{Error, define_windows_service, service_dispatcher};

use super::{NAME, made_folder_of, program};
use crate::cli::{ServeArgs, ServiceArgs, ServiceCommand};
use crate::commands::partial::folder_of;
use crate::commands::{Fault, Ran, block_on, logging, output, serve};
use crate::config::Config;

/// The account of services that need no rights, by its name and by its number, which is the same in every language.
const ACCOUNT: &str = "NT AUTHORITY\\LocalService";
const ACCOUNT_SID: &str = "*S-1-5-19";
const SYSTEM_SID: &str = "*S-1-5-18";
const ADMINISTRATORS_SID: &str = "*S-1-5-32-544";
/// How long starting may take, which may raise an older version's data file first.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often it is looked whether a service started or stopped.
const LOOK: Duration = Duration::from_millis(100);
/// A log that is larger when the service starts is begun anew, and kept once beside itself.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// What Windows says of a service that there is not, of one that is there, and of a service that is not running.
const NO_SUCH_SERVICE: i32 = 1060;
const SERVICE_EXISTS: i32 = 1073;
const NOT_RUNNING: i32 = 1062;
const ALREADY_RUNNING: i32 = 1056;
const ACCESS_DENIED: i32 = 5;
const NOT_STARTED_AS_SERVICE: i32 = 1063;

pub fn service(config: &Config, args: &ServiceArgs) -> Ran {
    match &args.command {
        ServiceCommand::Install(args) => install(config, args.dry_run),
        ServiceCommand::Uninstall(_) => uninstall(),
        ServiceCommand::Start(_) => start(),
        ServiceCommand::Stop(_) => {
            let service = open(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)?;
            stop(&service)?;
            output::say("It is stopped.");
            Ok(ExitCode::SUCCESS)
        }
        ServiceCommand::Status(_) => status(),
        ServiceCommand::Run => run(config.clone()),
    }
}

fn fault(error: &Error) -> Fault {
    let code = match error {
        Error::Winapi(e) => e.raw_os_error(),
        _ => None,
    };
    Fault::new(match code {
        Some(NO_SUCH_SERVICE) => "the service is not installed: `agentmap service install` does that".into(),
        Some(SERVICE_EXISTS) => {
            "the service is installed already: `agentmap service uninstall` removes it".into()
        }
        Some(ACCESS_DENIED) => {
            "this takes an administrator: open the terminal with 'Run as administrator'".into()
        }
        Some(NOT_STARTED_AS_SERVICE) => {
            "only the service manager starts this: use `agentmap service start`".into()
        }
        _ => match error {
            Error::Winapi(e) => format!("the service manager refused: {e}"),
            error => format!("the service manager was not understood: {error}"),
        },
    })
}

/// Where the service keeps its data, if nobody says otherwise: the user that it is has no folder of its own.
fn data_of(config: &Config) -> Result<PathBuf, Fault> {
    if !config.is_default("data") {
        return Ok(std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone()));
    }
    let folder = std::env::var_os("ProgramData").filter(|folder| !folder.is_empty());
    let folder = folder.ok_or_else(|| Fault::new("%ProgramData% is not set: say --data FILE"))?;
    Ok(Path::new(&folder).join("agentmap").join("agentmap.redb"))
}

fn install(config: &Config, dry_run: bool) -> Ran {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    let program = program(home.as_slice())?;
    let data = data_of(config)?;
    let mut words: Vec<OsString> = vec!["service".into(), "run".into()];
    words.extend(config.flags.iter().filter(|flag| !flag.to_string_lossy().starts_with("--data=")).cloned());
    words.push(OsString::from_iter([OsStr::new("--data="), data.as_os_str()]));
    if dry_run {
        let words = words.join(OsStr::new(" "));
        output::print(&format!("{NAME}, as {ACCOUNT}: {} {}", program.display(), words.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
    let manager = ServiceManager::local_computer(None::<&str>, access).map_err(|e| fault(&e))?;
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program,
        launch_arguments: words,
        dependencies: Vec::new(),
        account_name: Some(ACCOUNT.into()),
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::DELETE;
    let service = manager.create_service(&info, access).map_err(|e| fault(&e))?;
    let ready = hand_over(&data, config.is_default("data")).and_then(|()| describe(&service));
    if let Err(why) = ready {
        let _ = service.delete();
        return Err(why);
    }
    output::say(&format!(
        "Registered; it starts with Windows, and `agentmap service start` starts it now. Its data is {0}, its log \
         {0}.log.",
        data.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn describe(service: &Service) -> Result<(), Fault> {
    let description = "Knows every AI agent that you run: registry, decisions, budgets, audit.";
    service.set_description(description).map_err(|e| fault(&e))?;
    let again = |seconds| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: Duration::from_secs(seconds),
    };
    let failure = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_hours(1)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![again(1), again(10), again(60)]),
    };
    service.update_failure_actions(failure).map_err(|e| fault(&e))
}

/// Gives the account of the service the folder of the data. One that is made for it alone nobody else may read but
/// administrators: below the folder of all programs everybody may, and the key that signs the trail is in it.
fn hand_over(data: &Path, alone: bool) -> Result<(), Fault> {
    let folder = made_folder_of(data)?;
    let full = |sid: &str| format!("{sid}:(OI)(CI)F");
    if alone {
        grant(folder, &["/setowner".into(), ADMINISTRATORS_SID.into()])?;
        let all = [ACCOUNT_SID, SYSTEM_SID, ADMINISTRATORS_SID].map(full);
        grant(folder, &[&["/inheritance:r".to_owned(), "/grant:r".into()], &all[..]].concat())
    } else {
        grant(folder, &["/grant".into(), full(ACCOUNT_SID)])
    }
}

fn grant(folder: &Path, words: &[String]) -> Result<(), Fault> {
    let ran = Command::new("icacls").arg(folder).args(words).arg("/q").output();
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => {
            let why = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
            Err(Fault::new(format!("the service cannot be given {}: {why}", folder.display())))
        }
        Err(e) => Err(Fault::new(format!("icacls cannot be run: {e}"))),
    }
}

fn open(access: ServiceAccess) -> Result<Service, Fault> {
    let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT);
    manager.and_then(|manager| manager.open_service(NAME, access)).map_err(|e| fault(&e))
}

fn uninstall() -> Ran {
    let service = open(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS | ServiceAccess::DELETE)?;
    stop(&service)?;
    service.delete().map_err(|e| fault(&e))?;
    output::say("Removed. The data stays.");
    Ok(ExitCode::SUCCESS)
}

fn start() -> Ran {
    let service = open(ServiceAccess::START | ServiceAccess::QUERY_STATUS)?;
    match service.start::<&OsStr>(&[]) {
        Err(Error::Winapi(e)) if e.raw_os_error() == Some(ALREADY_RUNNING) => {}
        started => started.map_err(|e| fault(&e))?,
    }
    match settled(&service)?.current_state {
        ServiceState::Running => {
            output::say("It serves.");
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(Fault::new("it ended at once; the log beside its data file tells why")),
    }
}

fn stop(service: &Service) -> Result<(), Fault> {
    match service.stop() {
        Err(Error::Winapi(e)) if e.raw_os_error() == Some(NOT_RUNNING) => return Ok(()),
        stopped => stopped.map_err(|e| fault(&e))?,
    };
    match settled(service)?.current_state {
        ServiceState::Stopped => Ok(()),
        state => Err(Fault::new(format!("it does not stop: it is {state:?}"))),
    }
}

/// How the service stands, once it is not on its way any more.
fn settled(service: &Service) -> Result<ServiceStatus, Fault> {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = service.query_status().map_err(|e| fault(&e))?;
        let on_its_way =
            matches!(status.current_state, ServiceState::StartPending | ServiceState::StopPending);
        if !on_its_way || Instant::now() > until {
            return Ok(status);
        }
        std::thread::sleep(LOOK);
    }
}

fn status() -> Ran {
    let status = open(ServiceAccess::QUERY_STATUS)?.query_status().map_err(|e| fault(&e))?;
    let running = status.current_state == ServiceState::Running;
    output::print(&match (running, status.process_id) {
        (true, Some(process)) => format!("It runs, as process {process}."),
        (true, None) => "It runs.".into(),
        _ => format!("It does not run: {:?}.", status.current_state),
    })?;
    // What systemctl answers.
    Ok(if running { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// What the service is to serve with: Windows calls it without any of that.
static SETTINGS: Mutex<Option<Config>> = Mutex::new(None);

define_windows_service!(service_main, serve_as_service);

fn run(config: Config) -> Ran {
    *SETTINGS.lock().unwrap_or_else(PoisonError::into_inner) = Some(config);
    service_dispatcher::start(NAME, service_main).map_err(|e| fault(&e))?;
    Ok(ExitCode::SUCCESS)
}

fn serve_as_service(_arguments: Vec<OsString>) {
    let Some(config) = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let logged = log_of(&config.data).map_err(|e| Fault::new(format!("there is no log: {e}")));
    let logged = logged.and_then(|file| logging::start_on(&config, Mutex::new(file), false));
    let (stop, mut stopped) = watch::channel(false);
    let heard = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            stop.send_replace(true);
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let Ok(manager) = service_control_handler::register(NAME, heard) else { return };
    tell(manager, ServiceState::StartPending, true);
    let until = || async move {
        let _ = stopped.wait_for(|stop| *stop).await;
        tell(manager, ServiceState::StopPending, true);
    };
    let ready = || tell(manager, ServiceState::Running, true);
    let args = ServeArgs { seed_if_empty: None };
    let served = logged.and_then(|()| block_on(serve::serve_until(config, args, until, ready)));
    if let Err(why) = &served {
        tracing::error!("{why}");
    }
    tell(manager, ServiceState::Stopped, served.is_ok());
}

/// The log beside the data: a service has no terminal.
fn log_of(data: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(folder_of(data))?;
    let named = |suffix: &str| OsString::from_iter([data.as_os_str(), OsStr::new(suffix)]);
    let path = named(".log");
    if std::fs::metadata(&path).is_ok_and(|found| found.len() > LOG_BYTES) {
        std::fs::rename(&path, named(".log.old"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

fn tell(manager: ServiceStatusHandle, current_state: ServiceState, good: bool) {
    let pending = matches!(current_state, ServiceState::StartPending | ServiceState::StopPending);
    let running = current_state == ServiceState::Running;
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state,
        controls_accepted: if running {
            ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN
        } else {
            ServiceControlAccept::empty()
        },
        exit_code: if good { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(1) },
        checkpoint: u32::from(pending),
        wait_hint: if pending { PATIENCE } else { Duration::ZERO },
        process_id: None,
    };
    if let Err(error) = manager.set_service_status(status) {
        tracing::warn!(%error, "the service manager was not told how the server stands");
    }
}
