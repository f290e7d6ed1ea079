//! Where and when the table was made.

use std::fs;
use std::process::Command;
use std::thread;

use sealwax_benches::abi;
use sealwax_benches::floor::Floor;

/// A paragraph about the machine. It names no host and no path.
pub(crate) fn about(floor: &Floor) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let build = abi::build_info();
    format!(
        "* {}, {cores} cores, {} {}\n* {}, release profile with link-time optimisation\n* Sealwax {}, backend {}; \
         short messages of the floor sealed by {:?}; vodozemac 0.11.1\n* {}\n",
        processor(),
        system(),
        output("uname", &["-m"]),
        output("rustc", &["--version"]),
        abi::version(),
        field(build, "backend"),
        floor.aead_backend(),
        output("date", &["-u", "+%Y-%m-%d"]),
    )
}

fn processor() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    model.map_or_else(|| output("sysctl", &["-n", "machdep.cpu.brand_string"]), str::to_owned)
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| output("uname", &["-s"]), |name| name.trim_matches('"').to_owned())
}

fn field<'a>(json: &'a str, name: &str) -> &'a str {
    let value = json.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.map_or("unknown", |(value, _)| value)
}

fn output(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}
