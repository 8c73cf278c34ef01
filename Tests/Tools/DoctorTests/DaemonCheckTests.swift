import Doctor
import Linux
import Model
import Testing

@Suite struct DaemonCheckTests {
  @Test func aHealthyBoardHasNoProblems() throws {
    let patient = try Patient()
    #expect(patient.findings.allSatisfy { $0.level != .problem })
    // podman is missing, which no agent needs.
    #expect(patient.complaints.count == 1, "\(patient.complaints)")
    #expect(patient.has(.daemon, .ok, "openstarryd 1.0.0 drives the board 'greenhouse'"))
    #expect(patient.has(.limits, .ok, "memory: ended at 24 MiB"))
  }

  @Test func findingsComeInTheOrderOfThePage() throws {
    let areas = try Patient().findings.map(\.area)
    let order = Finding.Area.allCases
    let places = areas.compactMap { order.firstIndex(of: $0) }
    #expect(places == places.sorted())
  }

  @Test func withoutADaemonTheReasonIsTheRemedy() throws {
    var patient = try Patient()
    patient.facts.daemon = .failure(Facts.Failure("no daemon at /run/x: start it with 'openstarryd'"))
    #expect(patient.has(.daemon, .problem, "no daemon answers", remedy: "start it with 'openstarryd'"))
    #expect(patient.has(.limits, .note, "no limit was proved"))
    patient.facts.daemon = .failure(Facts.Failure("become a member of 'openstarry'", isRefusal: true))
    #expect(patient.has(.daemon, .problem, "this user may not ask the daemon", remedy: "become a member"))
  }

  @Test func versionsDiffer() throws {
    var patient = try Patient()
    patient.facts.version = "1.1.0"
    #expect(patient.has(.daemon, .problem, "the daemon is version 1.0.0, and this command is 1.1.0", remedy: "restart"))
  }

  @Test func outputsWithoutEffect() throws {
    var patient = try Patient()
    patient.facts.daemon = .success(
      Patient.answers(devices: [["device": "pump", "state": "off", "no_effect": ["state": 1.0, "sensor": "current"]]]))
    #expect(
      patient.has(
        .devices, .problem, "'pump' was without effect on 'current' when it was switched on",
        remedy: "openstarry acknowledge pump"))
  }

  struct Row: Sendable {
    var field: String
    var value: Value
    var level: Finding.Level
    var text: String
  }

  @Test(arguments: [
    Row(field: "safe_mode", value: "three failed starts", level: .problem, text: "safe mode, without rules"),
    Row(field: "rules_refused", value: "rules.yaml:3:1: unknown key", level: .problem, text: "rules.yaml:3:1"),
    Row(field: "not_kept", value: "disk full", level: .problem, text: "nothing is kept over a restart: disk full"),
    Row(field: "emergency_stop_not_kept", value: "the stop would be over", level: .problem, text: "the stop would be"),
    Row(field: "emergency_stop", value: "by ada", level: .note, text: "everything is stopped, by ada"),
    Row(field: "not_safe", value: ["pump": "EIO"], level: .problem, text: "'pump' refuses its safe state: EIO"),
    Row(
      field: "guardian", value: "missing: it is not installed", level: .problem, text: "no guardian watches (missing"),
    Row(field: "guardian", value: "off", level: .note, text: "no guardian watches (off)"),
    Row(field: "role", value: "view", level: .note, text: "your role is 'view'"),
  ]) func whatTheStatusReports(row: Row) throws {
    var patient = try Patient()
    patient.facts.daemon = .success(Patient.answers(status: [row.field: row.value]))
    #expect(patient.has(.daemon, row.level, row.text), "\(patient.complaints)")
  }

  @Test func theLastEnd() throws {
    var patient = try Patient()
    let crash: Value = ["scope": "daemon", "reason": "crash.signal", "message": "SIGSEGV in climate"]
    let (start, stop): (Value, Value) = (
      ["scope": "daemon", "reason": "started"], ["scope": "daemon", "reason": "stopped"]
    )
    patient.facts.daemon = .success(Patient.answers(history: [crash, start]))
    #expect(patient.has(.daemon, .note, "crash.signal: SIGSEGV in climate", remedy: "openstarry history"))
    patient.facts.daemon = .success(Patient.answers(history: [crash, start, stop, start]))
    #expect(!patient.has(.daemon, .note, "crash.signal"))
    patient.facts.daemon = .success(
      Patient.answers(history: [
        start, ["scope": "board", "reason": "power-lost"], start, ["scope": "board", "reason": "taken-up"],
      ]))
    #expect(patient.has(.daemon, .note, "power-lost"))
  }

  @Test func programsOfTheSystem() throws {
    var patient = try Patient(Patient.podman)
    patient.facts.versions = ["/usr/bin/python3": "3.11.2", "/usr/bin/podman": "4.3.1", "/usr/bin/bwrap": "0.8.0"]
    #expect(patient.complaints.isEmpty, "\(patient.complaints)")
    #expect(patient.has(.sandbox, .ok, "python3 3.11.2 is installed"))
    #expect(
      patient.has(
        .sandbox, .ok, "podman 4.3.1 is installed, with crun; images are in /var/lib/openstarry-images"))
    #expect(patient.has(.sandbox, .ok, "bubblewrap 0.8.0"))
    patient.remove("usr/bin/python3")
    #expect(patient.has(.sandbox, .note, "agents in Python cannot run", remedy: "apt install python3"))
  }

  @Test func agentsThatCannotRun() throws {
    var patient = try Patient()
    patient.facts.daemon = .success(
      Patient.answers(unusable: [
        "box": "podman is not installed, which agents with the driver 'docker' need: apt install podman crun",
        "odd": "agents/odd/agent.json:1:1: no 'identity'",
      ]))
    #expect(
      patient.has(
        .agents, .problem, "agent 'box' cannot run: podman is not installed", remedy: "openstarry daemon reload"),
      "\(patient.complaints)")
    #expect(patient.has(.agents, .problem, "agent 'odd' cannot run: agents/odd/agent.json:1:1"))
    #expect(!patient.has(.agents, .ok, "registered"))
  }

  @Test func agentsInQuarantineAndOverTheirBudget() throws {
    var patient = try Patient()
    patient.facts.daemon = .success(
      Patient.answers(
        status: ["quarantined": ["bad": "it failed"], "budgets_not_enforced": ["climate": "memory"]],
        agents: [["agent": "busy", "driver": "wasm", "budgets": [["budget": "cpu", "step": "throttled"]]]]))
    #expect(patient.has(.agents, .problem, "'bad' is in quarantine: it failed", remedy: "openstarry restart bad"))
    #expect(patient.has(.agents, .note, "budgets of 'climate' that nothing enforces: memory"))
    #expect(patient.has(.agents, .note, "'busy' is throttled by its budget of cpu"))
  }
}
