import ArgumentParser
import Model

struct DaemonCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "daemon", abstract: "Stops the daemon, reloads its files, or leaves safe mode.",
    subcommands: [Stop.self, Reload.self, LeaveSafeMode.self])

  struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Stops the daemon: agents end, every output goes to its safe state.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.move("daemon.stop") { _, _ in ["the daemon is stopping"] }
    }
  }

  struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reloads rules and manifests; on an error nothing changes.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.ask("daemon.reload") { result, _ in Self.lines(result) }
    }

    static func lines(_ result: Value) -> [String] {
      let left = (result["not_replaced"]?.list ?? []).compactMap(\.string)
      let running = left.map { "\($0.printable) runs and keeps its manifest: 'openstarry register' replaces it" }
      let broken = (result["cannot_run"]?.map ?? [:]).map { id, why in
        "\(id.printable) cannot run with its manifest: \((why.string ?? "-").printable)"
      }
      return [("agents changed", "agents_changed"), ("rules", "rules")].map { "\($0): \(result[$1]?.text() ?? "-")" }
        + running + broken
    }
  }
}

extension DaemonCommands {
  struct LeaveSafeMode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Leaves safe mode: starts rules and agents.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.ask("daemon.leaveSafeMode") { result, _ in
        [result["left"]?.bool == true ? "rules and agents run again" : "the daemon is not in safe mode"]
      }
    }
  }
}

struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the version of this command.")
  @OptionGroup var shared: SharedOptions

  func run() throws {
    try shared.show(["version": .string(Release.version)]) { _, _ in ["openstarry \(Release.version)"] }
  }
}
