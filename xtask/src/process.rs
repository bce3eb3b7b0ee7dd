//! Programs that are talked to, and that neither outlive us nor keep us waiting for ever.

use std::io::Read;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Only what is broken takes this long to say something.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Running {
    pub(crate) into: ChildStdin,
    pub(crate) out: Said,
    process: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let program = command.get_program().display().to_string();
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.map_err(|error| format!("{program}: {error}"))?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(into), Some(out)) => Ok(Self { into, out: Said::by(out), process }),
            _ => Err(format!("{program} has no pipes")),
        }
    }

    /// What it writes to its standard error, if that was asked for.
    pub(crate) fn errors(&mut self) -> Option<Said> {
        Some(Said::by(self.process.stderr.take()?))
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end, which it has to have come to when its output is over.
    pub(crate) fn end(&mut self) -> Result<ExitStatus, String> {
        self.out.all()?;
        self.process.wait().map_err(|error| error.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a program says, byte by byte.
pub(crate) struct Said(Receiver<u8>);

impl Said {
    pub(crate) fn by(mut from: impl Read + Send + 'static) -> Self {
        let (sender, bytes) = channel();
        let pass_on = move || {
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut some) {
                if some.iter().take(count).any(|byte| sender.send(*byte).is_err()) {
                    break; // Nobody listens any more.
                }
            }
        };
        thread::spawn(pass_on);
        Self(bytes)
    }

    /// Reads until `enough` says so of what was read, or to the end.
    pub(crate) fn until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<String, String> {
        let mut read = Vec::new();
        while !enough(&read) {
            match self.0.recv_timeout(PATIENCE) {
                Ok(byte) => read.push(byte),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    let said = String::from_utf8_lossy(&read);
                    return Err(format!("nothing was said for {PATIENCE:?} after {said:?}"));
                }
            }
        }
        Ok(String::from_utf8_lossy(&read).into_owned())
    }

    /// A line, without its end.
    pub(crate) fn line(&mut self) -> Result<String, String> {
        Ok(self.until(|read| read.ends_with(b"\n"))?.trim_end().to_owned())
    }

    pub(crate) fn all(&mut self) -> Result<String, String> {
        self.until(|_| false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_in_pieces() {
        let mut said = Said::by("one\ntwo\nthree".as_bytes());
        assert_eq!(said.line().as_deref(), Ok("one"));
        assert_eq!(said.until(|read| read.ends_with(b"tw")).as_deref(), Ok("tw"));
        assert_eq!(said.all().as_deref(), Ok("o\nthree"));
        assert_eq!(said.line().as_deref(), Ok(""));
    }
}
