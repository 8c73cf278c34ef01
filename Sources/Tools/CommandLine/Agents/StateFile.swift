import Document
import Linux
import Model

/// Durable values of an agent between two runs of `openstarry agent run`: a JSON map.
enum StateFile {
  /// Reads it.
  /// - Returns: nothing when there is no file yet.
  static func read(_ path: String) throws(Failure) -> Fields {
    guard Files.exists(path) else { return [:] }
    let bytes = try CommandFile.read(path)
    do {
      guard let fields = try JSON.decode(bytes[...]).map else {
        throw Failure(.failed, "\(path) is no JSON map of durable values: name another file")
      }
      return fields
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.failed, "\(path) is not JSON: name another file, or mend it")
    }
  }

  /// Replaces it.
  static func write(_ path: String, _ state: Fields) throws(Failure) {
    do throws(SystemError) {
      try Files.replace(path, with: JSON.encode(.map(state)) + [UInt8(ascii: "\n")], mode: 0o644)
    } catch {
      throw Failure(.failed, "the durable state cannot be kept: \(error)")
    }
  }
}
