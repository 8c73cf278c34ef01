import ArgumentParser
import Linux

extension OpenStarry {
  /// Carries out one command line.
  /// - Parameter arguments: the words after the program's name.
  /// - Returns: what the shell is to be told; whatever there was to say has been written.
  public static func run(_ arguments: [String]) -> ShellStatus {
    Interrupt.ignoreBrokenPipes()
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
      return .done
    } catch is OutputClosed {
      return .done
    } catch let failure as Failure {
      Terminal.complain("\(failure)")
      return failure.status
    } catch let status as ShellStatus {
      return status
    } catch {
      return explain(error)
    }
  }

  /// What the parser throws: help, completion scripts and the version on standard output, complaints on the other.
  private static func explain(_ error: any Error) -> ShellStatus {
    let status = status(for: error)
    let message = fullMessage(for: error)
    if status == .done {
      try? Terminal().line(message)
    } else if !message.isEmpty {
      try? System.writeAll(2, Array("\(message)\n".utf8))
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
