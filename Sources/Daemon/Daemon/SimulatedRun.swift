import Linux
import Model

/// What `openstarryd --simulate` takes from the settings, and what it leaves to the daemon of the real board.
enum SimulatedRun {
  /// The folder of what it stores, unless `--home` names one.
  static let home = ".openstarry/simulated"
  /// Its socket, unless `--socket` names one: the first at which `openstarry` looks for a daemon.
  static let socket = ".openstarry/control.sock"

  /// The settings file to read.
  /// - Returns: nil for the default settings, with the board of `--board`.
  /// - Throws: nothing names a board.
  static func settingsFile(_ arguments: Arguments) throws(StartFailure) -> String? {
    if let file = arguments.config { return file }
    guard arguments.simulates else { return "/etc/openstarry/openstarry.yaml" }
    if Files.exists("openstarry.yaml") { return "openstarry.yaml" }
    guard arguments.board == nil else { return nil }
    throw .configuration(
      "there is no openstarry.yaml in this folder: name settings with --config, or only a board with --board")
  }

  /// Replaces everything that belongs to the daemon of the real board or to its machine: folders, socket, groups,
  /// guardian and watchdog.
  static func confine(_ settings: inout Settings) {
    settings.home = home
    settings.socket = socket
    settings.socketMode = Settings(board: "").socketMode
    (settings.viewGroup, settings.operateGroup, settings.adminGroup) = (nil, nil, nil)
    settings.approveGroup = nil
    settings.guardian = false
    settings.watchdog = nil
  }

  /// The line about it in the journal.
  static func notice(_ board: Board, _ settings: Settings) -> String {
    "every device of board '\(board.name)' is simulated, and no hardware is used: 'openstarry simulate DEVICE VALUE' "
      + "sets what a sensor or an input shows (home \(settings.home), socket \(settings.socket))"
  }
}
