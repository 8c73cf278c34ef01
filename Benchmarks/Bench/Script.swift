import Glibc
import Linux

/// A script in Python that measures, and prints a name and a number on each line.
enum Script {
  /// Runs it.
  /// - Parameter words: its path, and its arguments.
  /// - Returns: the figures of each name, in order.
  static func figures(_ words: [String], scratch: String) throws -> [Substring: [Double]] {
    let output = "\(scratch)/figures"
    let file = try System.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    var plan = SpawnPlan("/usr/bin/python3", ["python3"] + words)
    plan.output = .descriptor(file.number)
    guard try Spawn.wait(for: try Spawn.start(plan)) == 0 else { throw SystemError("run", words[0], errno: ECHILD) }
    var figures: [Substring: [Double]] = [:]
    for line in String(decoding: try Files.read(output), as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, let figure = Double(words[1]) { figures[words[0], default: []].append(figure) }
    }
    return figures
  }
}
