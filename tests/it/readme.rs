//! The README tells the truth: what its console blocks print is what they print.

use std::path::Path;
use std::process::Command;

/// One command and what follows it.
struct Step {
    line: usize,
    command: String,
    out: String,
}

/// Reads the `console` blocks: a command begins with `$ `, a here-document ends at `END`, the rest is output.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut inside, mut here) = (false, false);
    for (n, line) in (1..).zip(text.lines()) {
        if line.starts_with("```") {
            inside = line == "```console";
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: n, command: command.to_owned(), out: String::new() });
            here = command.contains("<<'END'");
        } else if let Some(step) = steps.last_mut() {
            let into = if here { &mut step.command } else { &mut step.out };
            if here {
                into.push('\n');
            }
            into.push_str(line);
            if !here {
                into.push('\n');
            }
            here = here && line != "END";
        }
    }
    steps
}

#[test]
#[cfg(unix)]
fn what_the_readme_shows_is_what_comes_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::temp_dir().join(format!("efface-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_efface")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let steps = steps(&std::fs::read_to_string(root.join("README.md")).unwrap());
    assert!(steps.len() >= 8, "{} commands", steps.len());
    for Step { line, command, out } in steps {
        // Files that the README writes to /tmp go to a folder of this test's own.
        let own = command.replace("/tmp/", &format!("{}/", folder.display()));
        let ran = Command::new("sh").arg("-c").arg(&own).current_dir(root).env("PATH", &path).output().unwrap();
        assert!(ran.status.success(), "README.md:{line}: {command}\n{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), out, "README.md:{line}: {command}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
