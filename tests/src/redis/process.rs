use super::patience::PATIENCE;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Waits for the end of its input, which is the end of the test process however that comes; then
/// ends the server and removes its directory.
const WATCH: &str = r#"read -r _; kill -KILL "$1"; rm -rf -- "$2""#;

/// A server's process, killed when this is dropped and when the test process is killed.
pub(super) struct Process {
    server: Child,
    watcher: Child,
    is_frozen: bool,
}

impl Process {
    /// Starts a program in a directory; what it says goes to the file `log` there.
    ///
    /// `PR_SET_PDEATHSIG` would kill with the *thread* that started the program, which a runtime
    /// may end at any time: a shell at the other end of a pipe watches instead.
    pub(super) fn spawn(program: &Path, arguments: &[String], directory: &Path) -> Self {
        let log = File::create(directory.join("log")).expect("a directory of ours");
        let server = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file is open"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| refuse(program, &error));
        let watcher = Command::new("sh")
            .args(["-c", WATCH, "sh", &server.id().to_string()])
            .arg(directory)
            .process_group(0) // not killed together with the test process
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("every Unix has a shell");
        Self {
            server,
            watcher,
            is_frozen: false,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.server.id()
    }

    /// Whether it ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        let status = self.server.try_wait().expect("a child of ours");
        status.is_some()
    }

    /// Stops it in its tracks: it keeps all connections, and the system even accepts new ones for
    /// it.
    pub(super) fn freeze(&mut self) {
        self.signal("STOP");
        self.is_frozen = true;
        self.wait_for_state(|state| state == 'T');
    }

    /// Lets it go on.
    pub(super) fn thaw(&mut self) {
        self.signal("CONT");
        self.is_frozen = false;
        self.wait_for_state(|state| state != 'T');
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.is_frozen
    }

    fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", r#"kill -"$1" "$2""#, "sh", name])
            .arg(self.id().to_string())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "SIG{name} cannot be sent"
        );
    }

    /// Waits until a signal has come through, where the system shows it.
    fn wait_for_state(&self, is_reached: impl Fn(char) -> bool) {
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = fs::read_to_string(format!("/proc/{}/stat", self.id())) {
            let state = line
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next());
            if state.is_none_or(&is_reached) {
                return;
            }
            assert!(Instant::now() < end, "a signal does not come through");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // First the watcher: it must not kill another process that gets the server's id.
        for child in [&mut self.watcher, &mut self.server] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn refuse(program: &Path, error: &std::io::Error) -> ! {
    let program = program.display();
    assert!(
        error.kind() != ErrorKind::NotFound,
        "`{program}` is not installed, and these tests need it: `apt-get install redis-server`"
    );
    panic!("`{program}` cannot be started: {error}");
}
