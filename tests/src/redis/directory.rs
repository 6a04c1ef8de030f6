use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory of its own, removed with what is in it. The path is short: a Unix socket's may have
/// 100 bytes.
pub(super) struct Directory(PathBuf);

impl Directory {
    /// Makes one below the system's for temporary files.
    pub(super) fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let name = format!("cache-kit-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // An earlier process of the same id was killed together with its watcher.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{} cannot be made: {error}", path.display()),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and says where it is.
    pub(super) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a directory of ours can be written to");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left behind harms no later test.
        let _ = fs::remove_dir_all(&self.0);
    }
}
