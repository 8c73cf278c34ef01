import Document
import EventLoop
import HAL
import Linux
import Model

/// Keeps an emergency stop over restarts of the daemon: the file exists while the stop is in force.
final class EmergencyStopFile {
  private let path: String
  private let worker: any JobQueue<Void>

  /// - Parameter folder: the folder of the file.
  init(folder: String, on loop: any Loop) {
    path = Files.join(folder, "emergency-stop.json")
    worker = loop.worker("stop-file") {}
  }

  /// The stop that an earlier run left; nil when there is none. An unreadable file counts as a stop.
  func left() -> EmergencyStop? {
    guard Files.exists(path) else { return nil }
    let text: [UInt8]
    do throws(SystemError) { text = try Files.read(path, limit: 4096) } catch {
      return EmergencyStop(by: "system", time: 0, reason: "\(error)")
    }
    guard let kept = try? JSON.decode(text[...]) else {
      return EmergencyStop(by: "system", time: 0, reason: "\(path) is damaged, and may be that of a stop")
    }
    return EmergencyStop(
      by: kept["by"]?.string ?? "system", time: UInt64(clamping: kept["time"]?.int ?? 0),
      reason: kept["reason"]?.string)
  }

  /// Writes the stop in force, or removes the file.
  /// - Parameter done: called when the change would survive a power cut, or with the error.
  func keep(_ stop: EmergencyStop?, _ done: @escaping (SystemError?) -> Void) {
    let path = self.path
    let text: [UInt8]? = stop.map { stop in
      JSON.encode([
        "by": .string(stop.by), "time": .int(Int64(clamping: stop.time)),
        "reason": stop.reason.map { .string($0) } ?? .null,
      ])
    }
    worker.submit(
      { (_: inout Void) -> SystemError? in
        do throws(SystemError) {
          if let text {
            try Files.replace(path, with: text)
          } else {
            guard Files.remove(path) else { throw SystemError("unlink", path) }
            try Files.synchronise(Files.folder(of: path))
          }
          return nil
        } catch {
          return error
        }
      }, then: done)
  }
}
