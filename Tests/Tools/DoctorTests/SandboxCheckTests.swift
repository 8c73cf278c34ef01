import Doctor
import Glibc
import Model
import Testing

/// What forbids sandboxes and limits, on machines made of files.
@Suite struct SandboxCheckTests {
  /// A machine on which the daemon could make no sandbox, with an agent that needs one.
  private func patient(_ files: [String: String] = [:]) throws -> Patient {
    var patient = try Patient(files)
    patient.facts.daemon = .success(
      Patient.answers(agents: [Patient.program], probes: Patient.without("bwrap: No permissions to create a namespace"))
    )
    return patient
  }

  @Test func bubblewrapIsMissing() throws {
    var patient = try patient()
    patient.remove("usr/bin/bwrap")
    #expect(patient.has(.sandbox, .problem, "bubblewrap is not installed", remedy: "apt install bubblewrap"))
    // Without agents that are programs it is only good to know.
    patient.facts.daemon = .success(Patient.answers(probes: Patient.without("bubblewrap is not installed")))
    #expect(patient.findings.allSatisfy { $0.level != .problem })
    #expect(patient.has(.sandbox, .note, "bubblewrap is not installed"))
  }

  @Test func aDockerEngineInsteadOfPodman() throws {
    let answers = Patient.answers(
      status: ["docker": "/run/docker.sock"], agents: [["id": "a", "driver": "docker"]],
      probes: Patient.without("bwrap: No permissions to create a namespace"))
    var patient = try patient()
    patient.facts.daemon = .success(answers)
    patient.remove("usr/bin/podman")
    #expect(patient.has(.sandbox, .problem, "there is no /run/docker.sock", remedy: "systemctl start docker"))
    #expect(!patient.complaints.contains { $0.contains("podman") }, "\(patient.complaints)")
    patient = try self.patient(["run/docker.sock": ""])
    patient.facts.daemon = .success(answers)
    #expect(patient.has(.sandbox, .note, "the launcher may command it, and so is as mighty as root"))
  }

  /// What the launcher finds at the engine's socket counts, and not that there is one.
  @Test func aDockerEngineThatCannotBeUsed() throws {
    func examined(_ engine: Value) throws -> Patient {
      var patient = try self.patient(["run/docker.sock": ""])
      var probes = Patient.held.map ?? [:]
      probes["engine"] = engine
      patient.facts.daemon = .success(
        Patient.answers(
          status: ["docker": "/run/docker.sock"], agents: [Patient.container], probes: .success(.map(probes))))
      return patient
    }
    var patient = try examined(["version": .null, "obstacle": "the launcher may not use /run/docker.sock: a drop-in"])
    #expect(
      patient.has(.sandbox, .problem, "the launcher may not use /run/docker.sock", remedy: "edit openstarry-launcher"),
      "\(patient.complaints)")
    patient = try examined(["version": .null, "obstacle": "nobody listens at /run/docker.sock: is it running?"])
    #expect(patient.has(.sandbox, .problem, "nobody listens at", remedy: "systemctl start docker"))
    patient = try examined(["version": "20.10.24", "obstacle": .null])
    #expect(patient.has(.sandbox, .note, "(/run/docker.sock, version 20.10.24)"), "\(patient.complaints)")
  }

  @Test func bubblewrapDoesNotStart() throws {
    var patient = try patient()
    #expect(patient.has(.sandbox, .ok, "bubblewrap 0.8.0 is installed"))
    patient.facts.versions["/usr/bin/bwrap"] = nil
    #expect(
      patient.has(
        .sandbox, .problem, "bubblewrap is installed and does not start", remedy: "'/usr/bin/bwrap --version'"),
      "\(patient.complaints)")
  }

  struct Setting: Sendable {
    var file: String
    var text: String
    var remedy: String
  }

  @Test(arguments: [
    Setting(
      file: "proc/sys/kernel/unprivileged_userns_clone", text: "kernel.unprivileged_userns_clone=0",
      remedy: "sysctl kernel.unprivileged_userns_clone=1"),
    Setting(
      file: "proc/sys/user/max_user_namespaces", text: "user.max_user_namespaces=0",
      remedy: "sysctl user.max_user_namespaces=1024"),
  ]) func aSettingForbidsUserNamespaces(setting: Setting) throws {
    let patient = try patient([setting.file: "0\n"])
    #expect(patient.has(.sandbox, .problem, setting.text, remedy: setting.remedy), "\(patient.complaints)")
    #expect(patient.has(.sandbox, .problem, "No permissions to create a namespace", remedy: "see the next lines"))
  }

  @Test func appArmorForbidsThemOnUbuntu() throws {
    let file = "proc/sys/kernel/apparmor_restrict_unprivileged_userns"
    #expect(try patient([file: "1\n"]).has(.sandbox, .problem, "AppArmor forbids user namespaces", remedy: "profile"))
    #expect(try !patient([file: "0\n"]).has(.sandbox, .problem, "AppArmor"))
    let profiled = try patient([file: "1\n", "etc/apparmor.d/bwrap-userns-restrict": "profile bwrap {}"])
    #expect(!profiled.has(.sandbox, .problem, "AppArmor"))
  }

  @Test func theKernelHasNoUserNamespaces() throws {
    let patient = try patient()
    patient.remove("proc/self/ns/user")
    #expect(patient.has(.sandbox, .problem, "no user namespaces (CONFIG_USER_NS)"))
  }

  @Test func anUnknownObstacleIsToldAsItIs() throws {
    let patient = try patient()
    #expect(patient.has(.sandbox, .problem, "No permissions", remedy: "docs/process-agents.md"))
  }

  @Test func thePackageIsIncomplete() throws {
    let patient = try patient([
      "usr/lib/systemd/system/openstarry-launcher.socket": "", "run/systemd/system/x": "",
      "usr/lib/openstarry/openstarry-launcher": "",
    ])
    #expect(patient.has(.sandbox, .problem, "openstarry-launcher.socket is not active", remedy: "systemctl start"))
    #expect(patient.has(.sandbox, .problem, "openstarry-agent.bpf is missing", remedy: "package"))
    #expect(!patient.has(.sandbox, .problem, "openstarry/openstarry-launcher is missing"))
  }

  /// Also where the sandbox itself works: only agents with hosts need the proxy.
  @Test func aProxyThatIsMissingIsNamed() throws {
    var patient = try Patient(
      Patient.podman.merging([
        "usr/lib/systemd/system/openstarry-proxy.socket": "", "run/systemd/system/x": "",
        "usr/lib/openstarry/openstarry-proxy": "",
      ]) { $1 })
    patient.facts.daemon = .success(Patient.answers(agents: [Patient.program]))
    #expect(patient.has(.sandbox, .problem, "openstarry-proxy.socket is not active", remedy: "systemctl start"))
    #expect(patient.has(.sandbox, .problem, "openstarry-agent-network.bpf is missing", remedy: "package"))
    #expect(!patient.has(.sandbox, .problem, "/openstarry-proxy is missing"))
  }

  @Test func aSandboxThatWorksSilencesAllDoubts() throws {
    let patient = try Patient(Patient.podman.merging(["proc/sys/user/max_user_namespaces": "0\n"]) { $1 })
    #expect(!patient.has(.sandbox, .problem, "") && !patient.has(.sandbox, .note, ""))
    #expect(patient.has(.sandbox, .ok, "Landlock version 5"))
  }

  @Test func rootAndLandlock() throws {
    var patient = try Patient()
    let probes: Value = ["obstacle": .null, "launcher": ["uid": 0, "landlock": 0, "controllers": []], "limits": []]
    patient.facts.daemon = .success(Patient.answers(probes: .success(probes)))
    #expect(patient.has(.sandbox, .problem, "the launcher runs as root"))
    #expect(patient.has(.sandbox, .note, "no Landlock"))
  }

  // MARK: Containers

  struct Missing: Sendable {
    var file: String
    var text: String
    var remedy: String
  }

  @Test(arguments: [
    Missing(file: "usr/bin/podman", text: "podman is not installed", remedy: "apt install podman crun"),
    Missing(file: "usr/bin/crun", text: "without crun or runc", remedy: "apt install crun"),
    Missing(file: "usr/bin/conmon", text: "without conmon", remedy: "apt install conmon"),
    Missing(file: "var/lib/openstarry-images", text: "there are no images", remedy: "openstarry-images load"),
    Missing(file: "var/lib/openstarry-images/store", text: "there are no images", remedy: "openstarry-images load"),
    Missing(
      file: "var/lib/openstarry-images/store/overlay-images/0a1b", text: "there are no images",
      remedy: "openstarry-images load"),
  ]) func agentsInContainersNeedPodmanAndImages(missing: Missing) throws {
    var patient = try Patient(Patient.podman)
    patient.facts.daemon = .success(Patient.answers(agents: [Patient.container]))
    #expect(patient.complaints.isEmpty, "\(patient.complaints)")
    patient.remove(missing.file)
    #expect(patient.has(.sandbox, .problem, missing.text, remedy: missing.remedy), "\(patient.complaints)")
    // Without agents in containers it is only good to know.
    patient.facts.daemon = .success(Patient.answers(agents: [Patient.program]))
    #expect(patient.has(.sandbox, .note, missing.text, remedy: missing.remedy), "\(patient.complaints)")
    #expect(patient.complaints.count == 1, "\(patient.complaints)")
  }

  @Test func programsThatDoNotStart() throws {
    var patient = try Patient(Patient.podman)
    patient.facts.versions = [:]
    patient.facts.daemon = .success(Patient.answers(agents: [Patient.container]))
    let text = "podman is installed and does not start"
    #expect(
      patient.has(.sandbox, .problem, text, remedy: "apt install --reinstall podman"), "\(patient.complaints)")
    patient.facts.daemon = .success(Patient.answers(agents: [Patient.program]))
    #expect(patient.has(.sandbox, .note, text), "\(patient.complaints)")
    #expect(!patient.has(.sandbox, .ok, "podman"))
    #expect(patient.has(.sandbox, .note, "python3 is installed and does not start", remedy: "python3 --version"))
  }

  @Test(arguments: ["usr/bin/runc", "usr/sbin/runc"]) func runcWillDo(path: String) throws {
    let patient = try Patient(Patient.podman.merging([path: ""]) { $1 })
    patient.remove("usr/bin/crun")
    #expect(patient.has(.sandbox, .ok, "is installed, with runc"), "\(patient.complaints)")
  }

  @Test func agentsInContainersNeedTheLauncher() throws {
    var patient = try Patient(Patient.podman.merging(["usr/lib/systemd/system/openstarry-launcher.socket": ""]) { $1 })
    let absence = "openstarry-launcher is not installed"
    patient.facts.daemon = .success(
      Patient.answers(agents: [Patient.container], probes: Patient.without(absence)))
    #expect(patient.has(.sandbox, .problem, absence, remedy: "next lines"), "\(patient.complaints)")
    #expect(patient.has(.sandbox, .problem, "/openstarry-launcher is missing", remedy: "install the package"))
  }

  @Test(.enabled(if: geteuid() != 0)) func imagesThatOnlyTheirOwnerSees() throws {
    var patient = try Patient(Patient.podman)
    patient.facts.daemon = .success(Patient.answers(agents: [Patient.container]))
    patient.setMode("var/lib/openstarry-images", 0)
    defer { patient.setMode("var/lib/openstarry-images", 0o700) }
    #expect(patient.has(.sandbox, .ok, "'sudo openstarry-images images' lists the images in"))
    #expect(patient.complaints.isEmpty, "\(patient.complaints)")
  }

  // MARK: Limits

  private func limits(_ files: [String: String], _ outcome: String, _ controllers: Value) throws -> Patient {
    var patient = try Patient(files)
    let probes: Value = [
      "obstacle": .null, "launcher": ["uid": 990, "landlock": 5, "controllers": controllers],
      "limits": [["limit": "file_size", "outcome": .string(outcome), "text": "so it went"]],
    ]
    patient.facts.daemon = .success(Patient.answers(probes: .success(probes)))
    return patient
  }

  @Test func aLimitThatIsNotHeldIsAProblem() throws {
    let patient = try limits([:], "not_held", ["groups"])
    #expect(patient.has(.limits, .problem, "file size: so it went", remedy: "do not run agents that you do not trust"))
    #expect(try limits([:], "not_run", ["groups"]).has(.limits, .note, "file size: so it went", remedy: "again"))
  }

  @Test func memoryIsOffOnARaspberryPi() throws {
    let files = [
      "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n",
      "proc/cmdline": "console=tty1 cgroup_disable=memory rootwait\n",
      "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0", "boot/firmware/cmdline.txt": "",
    ]
    let patient = try limits(files, "afterwards", ["groups", "cpu", "pids"])
    #expect(
      patient.has(
        .limits, .note, "the memory controller is off (cgroup_disable=memory",
        remedy: "add cgroup_enable=memory to the one line of /boot/firmware/cmdline.txt"), "\(patient.complaints)")
    #expect(patient.has(.board, .ok, "Raspberry Pi 4 Model B Rev 1.4"))
  }

  @Test func aHostWithBothVersions() throws {
    let patient = try limits(["sys/fs/cgroup/unified/cgroup.procs": ""], "afterwards", [])
    patient.remove("sys/fs/cgroup/cgroup.controllers")
    #expect(patient.has(.limits, .note, "of version 1, or of both", remedy: "systemd.unified_cgroup_hierarchy=1"))
  }

  @Test func aLauncherWithoutGroups() throws {
    let patient = try limits([:], "afterwards", [])
    #expect(patient.has(.limits, .note, "no control groups of its own", remedy: "Delegate=yes"))
    #expect(try !limits([:], "afterwards", ["groups"]).has(.limits, .note, "of its own"))
  }

  @Test func probesThatWereRefused() throws {
    var patient = try Patient()
    let refusal = Facts.Failure("the role 'view' may not", isRefusal: true)
    patient.facts.daemon = .success(Patient.answers(probes: .failure(refusal)))
    #expect(patient.has(.limits, .note, "no limit was proved: the role 'view' may not"))
    // A daemon that ends meanwhile.
    patient.facts.daemon = .success(Patient.answers(probes: .failure(Facts.Failure("the connection was closed"))))
    #expect(patient.has(.limits, .problem, "no limit was proved: the connection was closed"))
  }
}
