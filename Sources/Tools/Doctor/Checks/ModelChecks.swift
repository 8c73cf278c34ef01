import Model

/// The language models of the settings: the program that asks them, and those that did not answer last.
enum ModelChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    guard let answers = facts.answers, !answers.models.isEmpty else { return [] }
    let storage = answers.modelsNotStored.map {
      Finding(
        .models, .problem, "no model can be asked: \($0.printable)",
        remedy: "free space where the sentence says; the next call tries again")
    }
    return program(machine) + (storage.map { [$0] } ?? []) + answers.models.map(finding)
  }

  private static func finding(_ model: Value) -> Finding {
    let name = model["model"]?.string?.printable ?? "-"
    guard let failure = model["last_failure"]?.string else {
      let calls = model["calls"]?.int ?? 0
      return Finding(.models, .ok, "model \(name): \(calls == 0 ? "not asked yet" : "answers")")
    }
    return Finding(
      .models, .problem, "model \(name) did not answer: \(failure.printable)",
      remedy: "see its server, and 'models' in openstarry.yaml (docs/models.md)")
  }

  /// Only an installed daemon has units; in a checkout the program lies beside the daemon.
  private static func program(_ machine: Machine) -> [Finding] {
    let unit = "openstarry-model"
    guard machine.exists("/usr/lib/systemd/system/\(unit).socket") else { return [] }
    var findings: [Finding] = []
    if !machine.exists("/run/\(unit)/socket"), machine.exists("/run/systemd/system") {
      findings.append(
        Finding(
          .models, .problem, "\(unit).socket is not active, so no model can be asked",
          remedy: "sudo systemctl start \(unit).socket; 'systemctl status' says why it is not"))
    }
    let libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf"].flatMap { folder in
      ["libcurl-gnutls.so.4", "libcurl.so.4"].map { "/usr/lib/\(folder)/\($0)" }
    }
    if !libraries.contains(where: machine.exists) {
      findings.append(
        Finding(
          .models, .problem, "libcurl is not installed, so no model can be asked",
          remedy: "sudo apt install libcurl3-gnutls ca-certificates"))
    }
    return findings
  }
}
