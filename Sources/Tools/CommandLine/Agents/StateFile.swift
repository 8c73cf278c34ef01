import Document
import Linux
import Model

/// A JSON file that keeps an agent's durable state between runs of `openstarry agent run`.
enum StateFile {
  /// Reads the state.
  /// - Returns: an empty state if the file does not exist.
  static func read(_ path: String) throws(Failure) -> Fields {
    guard Files.exists(path) else { return [:] }
    let bytes = try CommandFile.read(path)
    do {
      guard let fields = try JSON.decode(bytes[...]).map else {
        throw Failure(.failed, "\(path) is not a JSON map of durable values: name another file")
      }
      return fields
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.failed, "\(path) is not JSON: name another file, or correct it")
    }
  }

  /// Replaces the file atomically.
  static func write(_ path: String, _ state: Fields) throws(Failure) {
    do throws(SystemError) {
      try Files.replace(path, with: JSON.encode(.map(state)) + [UInt8(ascii: "\n")], mode: 0o644)
    } catch {
      throw Failure(.failed, "the durable state cannot be stored: \(error)")
    }
  }
}
