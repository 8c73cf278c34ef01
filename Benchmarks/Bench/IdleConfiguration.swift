import CLinux
import Linux

/// The files of an idle daemon: a simulated board whose sensors are not read, and agents that are not woken.
struct IdleConfiguration {
  private let folder: String
  /// The arguments of openstarryd.
  var arguments: [String] { ["--config", "\(folder)/openstarry.yaml"] }

  /// - Parameters:
  ///   - folder: an existing scratch folder.
  ///   - agents: the number of registered agents.
  ///   - rules: the number of rules, half of them state rules, for which nothing ever happens.
  ///   - module: the module of an additional, running agent; nil for none.
  init(folder: String, agents: Int, rules: Int = 1, module: String? = nil) throws(SystemError) {
    self.folder = folder
    try Self.write("\(folder)/board.yaml", Self.board)
    // A rule that names an unregistered agent would be inactive.
    let action = agents > 0 ? "wake(idle-0)" : "actuate(lamp, on, lease: 5s)"
    // Every second one is a state rule.
    let lines = (0..<rules).map { number in
      number % 2 == 1
        ? "  - {id: rule-\(number), while: \"vars.level > \(number)\", keep: {lamp: on}}\n"
        : "  - {id: rule-\(number), on: \"\(number == 0 ? "input:door" : "bench:event-\(number)")\", "
          + "if: \"\(number == 0 ? "active" : "value > \(number).5")\", action: \"\(action)\"}\n"
    }
    try Self.write("\(folder)/rules.yaml", "vars: {level: 0}\nrules:\n" + lines.joined())
    for number in 0..<agents {
      try Self.write("\(folder)/idle-\(number).agent.json", Self.manifest(number))
    }
    if let module {
      try Files.copy(module, to: "\(folder)/workload.wasm")
      try Self.write(
        "\(folder)/workload.agent.json",
        """
        {"identity": {"id": "workload", "name": "Workload"},
         "runtime": {"driver": "wasm", "entry": "workload.wasm", "lifecycle": "always"}}
        """)
    }
    try Self.write(
      "\(folder)/openstarry.yaml",
      "board: board.yaml\nagents: [.]\nrules: [rules.yaml]\nhome: home\nsocket: control.sock\n")
  }

  /// Removes the files, but not the folder.
  func remove() {
    for name in (try? Files.names(in: folder)) ?? [] {
      _ = unsafe "\(folder)/\(name)".withCString { unsafe unlink($0) }
    }
  }

  private static func write(_ path: String, _ text: String) throws(SystemError) {
    try Files.replace(path, with: Array(text.utf8))
  }

  private static let board = """
    name: idle
    backend: simulated
    devices:
      temperature: {kind: sensor, every: 1s, on_demand: true, model: {model: constant, value: 21}}
      door: {kind: input}
      fan: {kind: actuator, max_on: 10m}
      lamp: {kind: actuator}
      cam0: {kind: camera}
    """

  private static func manifest(_ number: Int) -> String {
    """
    {"identity": {"id": "idle-\(number)", "name": "Idle \(number)"},
     "runtime": {"driver": "in-process", "entry": "doorkeeper"},
     "capabilities": {"permissions": {"sensors": ["temperature"], "actuators": ["lamp"]}}}
    """
  }
}
