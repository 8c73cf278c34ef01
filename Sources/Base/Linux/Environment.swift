import CLinux
import Glibc

/// The environment of this process.
package enum Environment {
  /// All variables (environ(7)); of duplicate names the first counts.
  package static func current() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = unsafe environ
    // SAFETY: environ is an array of C strings with a null pointer at its end; only `set` changes it, before other
    // threads start.
    while let text = unsafe entry.pointee {
      let pair = unsafe String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 && variables[String(pair[0])] == nil { variables[String(pair[0])] = String(pair[1]) }
      unsafe entry += 1
    }
    return variables
  }

  /// Sets a variable for this process and its children (setenv(3)). Call it only before other threads start.
  package static func set(_ name: String, _ value: String) { _ = unsafe setenv(name, value, 1) }
}
