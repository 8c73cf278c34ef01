import ArgumentParser
import Linux
import Model

extension OpenStarry {
  /// Carries out one command line.
  /// - Parameter arguments: the words after the program's name.
  /// - Returns: what the shell is to be told; whatever there was to say has been written.
  public static func run(_ arguments: [String]) -> ShellStatus {
    Interrupt.ignoreBrokenPipes()
    do {
      if let failure = unknownCommand(arguments) { throw failure }
      var command = try parse(arguments)
      try command.run()
      return .done
    } catch is OutputClosed {
      return .done
    } catch let failure as Failure {
      if wantsJSON(arguments) { Terminal.complain(failure) } else { Terminal.complain("\(failure)") }
      return failure.status
    } catch let status as ShellStatus {
      return status
    } catch {
      return explain(error, asJSON: wantsJSON(arguments))
    }
  }

  /// Reads a command line as people write it: also with numbers and expressions that begin with a minus.
  static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    try parseAsRoot(MinusSign.protect(arguments))
  }

  /// Whether the command line has `--json`, also where it is wrong otherwise.
  private static func wantsJSON(_ arguments: [String]) -> Bool {
    arguments.prefix { $0 != "--" }.contains("--json")
  }

  /// Why there is no such command, with the name that was probably meant; nil when there is one.
  ///
  /// The parser would call a misspelt command an unexpected argument, and show the help of all for `help nope`.
  static func unknownCommand(_ arguments: [String]) -> Failure? {
    var command: any ParsableCommand.Type = OpenStarry.self
    var place = ""
    for word in arguments.first == "help" ? arguments.dropFirst() : arguments[...] {
      let commands = command.configuration.subcommands
      if word.hasPrefix("-") || commands.isEmpty { return nil }
      guard let next = commands.first(where: { $0._commandName == word }) else {
        var names = commands.map { $0._commandName }
        if place.isEmpty { names.append("help") }
        // A letter left out is likelier than a wrong one: 'stats' is 'status' rather than 'state'.
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

  /// Whether `word` is what is left of `name` when letters are taken out.
  private static func isLonger(_ name: String, _ word: String) -> Bool {
    var rest = word[...]
    for letter in name where letter == rest.first { rest.removeFirst() }
    return rest.isEmpty
  }

  /// What the parser throws: help, completion scripts and the version on standard output, complaints on the other.
  private static func explain(_ error: any Error, asJSON: Bool) -> ShellStatus {
    let status = status(for: error)
    let message = fullMessage(for: error)
    if status != .done, asJSON {
      Terminal.complain(Failure(status, self.message(for: error)))
    } else if status == .done {
      try? Terminal().line(message)
    } else if !message.isEmpty {
      Terminal.complain(asItIs: message)
    }
    return status
  }

  /// The parser's own codes (sysexits.h: 64 for a wrong command line) as ours.
  public static func status(for error: any Error) -> ShellStatus {
    switch exitCode(for: error) {
    case .success: .done
    case .validationFailure: .usage
    default: .failed
    }
  }
}

/// A command that has said all there is to say, and did not end well: a check that found errors.
extension ShellStatus: Error {}
