import ArgumentParser
import Linux
import Model

extension OpenStarry {
  /// Runs one command line, and prints its output and errors.
  /// - Parameter arguments: the words after the program's name.
  /// - Returns: the exit status.
  package static func run(_ arguments: [String]) -> ShellStatus {
    Interrupt.ignoreBrokenPipes()
    do {
      if let failure = unknownCommand(arguments) { throw failure }
      var command = try parse(arguments)
      try command.run()
      return .done
    } catch is OutputClosed {
      return .done
    } catch let failure as Failure {
      Terminal.complain(failure, asJSON: wantsJSON(arguments))
      return failure.status
    } catch let status as ShellStatus {
      return status
    } catch {
      return explain(error, asJSON: wantsJSON(arguments))
    }
  }

  /// Parses a command line, in which numbers and expressions may begin with a minus.
  static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    try parseAsRoot(MinusSign.protect(arguments))
  }

  /// Whether the command line contains `--json`, even if it is invalid.
  private static func wantsJSON(_ arguments: [String]) -> Bool {
    arguments.prefix { $0 != "--" }.contains("--json")
  }

  /// The failure for an unknown command, with a suggestion, or for a missing sub-command; nil for a known command.
  ///
  /// The parser itself would report an unexpected argument or an unknown option, and answer `help nope` with the general
  /// help.
  static func unknownCommand(_ arguments: [String]) -> Failure? {
    var command: any ParsableCommand.Type = OpenStarry.self
    var place = ""
    for word in arguments.first == "help" ? arguments.dropFirst() : arguments[...] {
      let commands = command.configuration.subcommands
      if commands.isEmpty { return nil }
      if word.hasPrefix("-") {
        guard !place.isEmpty, !arguments.contains(where: Self.isRequestForHelp) else { return nil }
        return Failure(.usage, "a sub-command is missing before '\(word)': 'openstarry help\(place)' lists them")
      }
      guard let next = commands.first(where: { $0._commandName == word }) else {
        var names = commands.map { $0._commandName }
        if place.isEmpty { names.append("help") }
        // A missing letter is likelier than a wrong one: 'stats' means 'status' rather than 'state'.
        let meant =
          Suggestion.closest(to: word, in: names.filter { isLonger($0, word) })
          ?? Suggestion.closest(to: word, in: names)
        let hint =
          meant.map { " (did you mean '\($0)'?)" }
          ?? ": 'openstarry help\(place)' lists them"
        return Failure(.usage, "unknown command '\(place.dropFirst())\(place.isEmpty ? "" : " ")\(word)'\(hint)")
      }
      command = next
      place += " \(word)"
    }
    return nil
  }

  private static func isRequestForHelp(_ word: String) -> Bool { ["-h", "--help", "--version"].contains(word) }

  /// Whether `word` is `name` with letters missing.
  private static func isLonger(_ name: String, _ word: String) -> Bool {
    var rest = word[...]
    for letter in name where letter == rest.first { rest.removeFirst() }
    return rest.isEmpty
  }

  /// Prints an error of the parser: help, completion scripts and the version on standard output, others on standard
  /// error.
  private static func explain(_ error: any Error, asJSON: Bool) -> ShellStatus {
    let status = status(for: error)
    if status == .done {
      try? Terminal().line(fullMessage(for: error))
    } else if asJSON {
      Terminal.complain(Failure(status, MinusSign.restoreAll(message(for: error))), asJSON: true)
    } else {
      let message = MinusSign.restoreAll(fullMessage(for: error))
      if !message.isEmpty { Terminal.complain(asItIs: message) }
    }
    return status
  }

  /// Converts the parser's exit codes (sysexits.h: 64 for a wrong command line).
  package static func status(for error: any Error) -> ShellStatus {
    switch exitCode(for: error) {
    case .success: .done
    case .validationFailure: .usage
    default: .failed
    }
  }
}

/// Thrown by a command that has already printed its errors, such as a check.
extension ShellStatus: Error {}
