import CLinux
import Glibc

/// The environment the process was started with.
public enum Environment {
  /// All variables (environ(7)); of a name that stands twice the first counts.
  public static func current() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = unsafe environ
    // SAFETY: environ is an array of C strings that ends with a null pointer; nobody changes it here.
    while let text = unsafe entry.pointee {
      let pair = unsafe String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 && variables[String(pair[0])] == nil { variables[String(pair[0])] = String(pair[1]) }
      unsafe entry += 1
    }
    return variables
  }

  /// Sets a variable for this process and the children it starts (setenv(3)). Only before other threads start.
  public static func set(_ name: String, _ value: String) { _ = unsafe setenv(name, value, 1) }
}
