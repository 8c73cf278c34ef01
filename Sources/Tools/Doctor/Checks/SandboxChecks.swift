import Model

/// What agents that are programs need: bubblewrap, the launcher, user namespaces, the filter; those in containers also
/// podman and images; those in Python, python3.
enum SandboxChecks {
  static func findings(_ machine: Machine, _ facts: Facts) -> [Finding] {
    sandbox(machine, facts) + network(machine, facts) + containers(machine, facts) + [python(machine, facts)]
  }

  private static func sandbox(_ machine: Machine, _ facts: Facts) -> [Finding] {
    let probes = facts.answers.flatMap { try? $0.probes.get() }
    if let probes, probes["obstacle"]?.string == nil {
      let version = facts.versions["/usr/bin/bwrap"].map { " \($0)" } ?? ""
      return [Finding(.sandbox, .ok, "programs start in a sandbox (bubblewrap\(version), seccomp)")]
        + launcher(probes["launcher"])
    }
    // Boards without such agents need no sandbox.
    let level: Finding.Level = facts.answers?.hasPrograms ?? false ? .problem : .note
    var findings = parts(machine, facts, level) + namespaces(machine, level)
    if let obstacle = probes?["obstacle"]?.string {
      let isKnown = findings.contains { $0.level != .ok }
      findings.insert(
        Finding(
          .sandbox, level, "programs cannot start in a sandbox: \(obstacle)",
          remedy: isKnown ? "see the next lines" : "docs/process-agents.md, 'Requirements'"), at: 0)
    }
    return findings
  }

  private static func launcher(_ facts: Value?) -> [Finding] {
    guard let facts else { return [] }
    var findings: [Finding] = []
    if facts["uid"]?.int == 0 {
      findings.append(
        Finding(
          .sandbox, .problem, "the launcher runs as root, and so do agents",
          remedy: "start it by its unit openstarry-launcher.service, whose user is openstarry-agents"))
    }
    if let version = facts["landlock"]?.int, version > 0 {
      findings.append(Finding(.sandbox, .ok, "Landlock version \(version) restricts files once more"))
    } else {
      findings.append(
        Finding(.sandbox, .note, "this kernel has no Landlock: namespaces and seccomp alone hold agents"))
    }
    return findings
  }

  /// The programs and files that have to be installed.
  private static func parts(_ machine: Machine, _ facts: Facts, _ level: Finding.Level) -> [Finding] {
    var findings: [Finding] = []
    let bubblewrap = "/usr/bin/bwrap"
    if !machine.exists(bubblewrap) {
      findings.append(
        Finding(.sandbox, level, "bubblewrap is not installed", remedy: "sudo apt install bubblewrap"))
    } else if let version = facts.versions[bubblewrap] {
      findings.append(Finding(.sandbox, .ok, "bubblewrap \(version) is installed"))
    } else {
      findings.append(broken(bubblewrap, "bubblewrap", level, "agents that are programs cannot run"))
    }
    return findings + companion("openstarry-launcher", "openstarry-agent.bpf", machine, level)
  }

  /// The unit and the files of a companion. Only an installed daemon has units; in a checkout all lie beside the daemon.
  private static func companion(
    _ name: String, _ filter: String, _ machine: Machine, _ level: Finding.Level
  ) -> [Finding] {
    guard machine.exists("/usr/lib/systemd/system/\(name).socket") else { return [] }
    var findings: [Finding] = []
    if !machine.exists("/run/\(name)/socket"), machine.exists("/run/systemd/system") {
      findings.append(
        Finding(
          .sandbox, level, "\(name).socket is not active",
          remedy: "sudo systemctl start \(name).socket; 'systemctl status' says why it is not"))
    }
    for file in [name, filter] where !machine.exists("/usr/lib/openstarry/\(file)") {
      findings.append(
        Finding(
          .sandbox, level, "/usr/lib/openstarry/\(file) is missing", remedy: "install the package openstarryd again"))
    }
    return findings
  }

  /// What forbids user namespaces to users without rights.
  private static func namespaces(_ machine: Machine, _ level: Finding.Level) -> [Finding] {
    var findings: [Finding] = []
    // A patch of Debian's and Ubuntu's kernels.
    if machine.number("/proc/sys/kernel/unprivileged_userns_clone") == 0 {
      findings.append(
        Finding(
          .sandbox, level, "kernel.unprivileged_userns_clone=0 forbids user namespaces",
          remedy: "sudo sysctl kernel.unprivileged_userns_clone=1, and the same in a file of /etc/sysctl.d"))
    }
    // namespaces(7)
    if machine.number("/proc/sys/user/max_user_namespaces") == 0 {
      findings.append(
        Finding(
          .sandbox, level, "user.max_user_namespaces=0 forbids user namespaces",
          remedy: "sudo sysctl user.max_user_namespaces=1024, and the same in a file of /etc/sysctl.d"))
    }
    if !machine.exists("/proc/self/ns/user") {
      findings.append(
        Finding(
          .sandbox, level, "this kernel has no user namespaces (CONFIG_USER_NS)",
          remedy: "use a kernel of Debian or Raspberry Pi OS"))
    }
    // Ubuntu 23.10 and later, unless a profile allows it to the program.
    let profiles = machine.names(in: "/etc/apparmor.d").filter {
      $0.hasPrefix("bwrap") || $0.hasPrefix("bubblewrap")
    }
    if machine.number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1, profiles.isEmpty {
      findings.append(
        Finding(
          .sandbox, level,
          "AppArmor forbids user namespaces (kernel.apparmor_restrict_unprivileged_userns=1, as on Ubuntu)",
          remedy: "give /usr/bin/bwrap a profile with 'userns,' (the package apparmor-profiles has one), or "
            + "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"))
    }
    return findings
  }

  /// What agents with hosts need beside that.
  private static func network(_ machine: Machine, _ facts: Facts) -> [Finding] {
    let level: Finding.Level = facts.answers?.hasPrograms ?? false ? .problem : .note
    return companion("openstarry-proxy", "openstarry-agent-network.bpf", machine, level)
  }

  /// What agents in containers need beside that. Only a start shows whether podman can run there.
  private static func containers(_ machine: Machine, _ facts: Facts) -> [Finding] {
    // Boards without such agents need no podman.
    let level: Finding.Level = facts.answers?.hasContainers ?? false ? .problem : .note
    if let socket = facts.answers?.status["docker"]?.string { return docker(socket, machine, facts, level) }
    let podman = "/usr/bin/podman"
    guard machine.exists(podman) else {
      return [
        Finding(
          .sandbox, level, "podman is not installed: agents in containers (driver 'docker') cannot run",
          remedy: "sudo apt install podman crun")
      ]
    }
    guard let version = facts.versions[podman] else {
      return [broken(podman, "podman", level, "agents in containers (driver 'docker') cannot run")]
    }
    var findings: [Finding] = []
    func missing(_ what: String, _ package: String) {
      findings.append(
        Finding(
          .sandbox, level, "podman \(version) is installed without \(what), which agents in containers need",
          remedy: "sudo apt install \(package)"))
    }
    let runtime = ["/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc"].first { machine.exists($0) }
    if runtime == nil { missing("crun or runc", "crun") }
    let conmon = ["/usr/bin/conmon", "/usr/libexec/podman/conmon"].first { machine.exists($0) }
    if conmon == nil { missing("conmon", "conmon") }
    let images = hasImages(machine, facts.images)
    if images == false {
      findings.append(
        Finding(
          .sandbox, level, "there are no images for agents in containers in \(facts.images)",
          remedy: "sudo openstarry-images load < IMAGE.tar puts one there"))
    }
    guard findings.isEmpty, let runtime = runtime?.split(separator: "/").last else { return findings }
    let place = images == nil ? "'sudo openstarry-images images' lists the images in" : "images are in"
    return [Finding(.sandbox, .ok, "podman \(version) is installed, with \(runtime); \(place) \(facts.images)")]
  }

  /// A Docker engine instead of podman. Its version, or why it cannot be used, is what the launcher has found.
  private static func docker(
    _ socket: String, _ machine: Machine, _ facts: Facts, _ level: Finding.Level
  ) -> [Finding] {
    let engine = facts.answers.flatMap { try? $0.probes.get() }?["engine"]
    let obstacle =
      engine?["obstacle"]?.string
      ?? (machine.exists(socket) ? nil : "there is no \(socket), the Docker engine's socket of the settings ('docker')")
    if let obstacle {
      let isForbidden = obstacle.holds("may not use")
      return [
        Finding(
          .sandbox, level, "agents in containers cannot run now: \(obstacle)",
          remedy: isForbidden
            ? "'sudo systemctl edit openstarry-launcher' with the drop-in of docs/container-agents.md, 'A Docker engine'; "
              + "then sudo systemctl restart openstarry-launcher.socket openstarryd"
            : "sudo systemctl start docker; without such an engine remove 'docker' from the settings")
      ]
    }
    let version = engine?["version"]?.string.map { ", version \($0)" } ?? ""
    var findings = [
      Finding(
        .sandbox, .note,
        "containers run in a Docker engine (\(socket)\(version)): the launcher may command it, and so is as mighty as root"
      )
    ]
    let folder = "/run/openstarry-docker"
    if machine.exists("/usr/lib/systemd/system/openstarry-launcher.socket"), !machine.exists(folder) {
      findings.append(
        Finding(
          .sandbox, level, "\(folder) is missing, where agents in containers find their sockets",
          remedy: "sudo systemd-tmpfiles --create openstarry.conf"))
    }
    return findings
  }

  /// Whether there are images in a folder; nil when this user may not look. Usually only root and the agents' user may.
  private static func hasImages(_ machine: Machine, _ folder: String) -> Bool? {
    let list = "\(folder)/store/overlay-images"
    for place in [folder, list] {
      guard machine.exists(place) else { return false }
      guard machine.mayList(place) else { return nil }
    }
    // A folder for each image, beside images.json and images.lock.
    return machine.names(in: list).contains { !$0.hasPrefix("images.") }
  }

  /// Which agents are in Python, the daemon does not know.
  private static func python(_ machine: Machine, _ facts: Facts) -> Finding {
    let path = "/usr/bin/python3"
    guard machine.exists(path) else {
      return Finding(
        .sandbox, .note, "python3 is not installed: agents in Python cannot run", remedy: "sudo apt install python3")
    }
    guard let version = facts.versions[path] else {
      return broken(path, "python3", .note, "agents in Python cannot run")
    }
    return Finding(.sandbox, .ok, "python3 \(version) is installed")
  }

  /// A program that is there and does not say its version.
  /// - Parameter package: its name, and that of its package.
  private static func broken(
    _ program: String, _ package: String, _ level: Finding.Level, _ consequence: String
  ) -> Finding {
    Finding(
      .sandbox, level, "\(package) is installed and does not start: \(consequence)",
      remedy: "'\(program) --version' shows why; 'sudo apt install --reinstall \(package)' installs it again")
  }
}
