import EventLoop
import HAL
import Model

/// Encodes frames as JPEG on its own thread. libturbojpeg is loaded at the first frame.
package final class JPEGEncoder {
  private let loop: EventLoop
  private let worker: Worker<JPEGCodec?>

  /// Creates an encoder; loads nothing and starts no thread yet.
  /// - Parameter loop: the loop on which results are delivered.
  package init(loop: EventLoop) {
    self.loop = loop
    worker = Worker("jpeg", on: loop) { nil }
  }

  /// Encodes a frame at quality 85; a frame that is a JPEG already is passed through.
  /// - Parameter done: called once, on the loop's thread, after this call returns. Fails with `.protocolViolation` when
  ///   the bytes do not match the format, and with `.system(ENOENT, …)` when libturbojpeg is not installed.
  package func encode(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void) {
    if frame.format.pixels == .mjpeg { return loop.later { done(.success(frame.bytes)) } }
    worker.submit { codec in
      Result { () throws(HALError.Fault) in
        let ready = try Self.ready(&codec)
        return try ready.encode(frame.bytes, frame.format)
      }
    } then: { result in
      done(result)
    }
  }

  /// The codec, created on first use.
  static func ready(_ codec: inout JPEGCodec?) throws(HALError.Fault) -> JPEGCodec {
    if let codec { return codec }
    let made = try JPEGCodec()
    codec = made
    return made
  }

  /// Frames that wait or are being encoded.
  var pending: Int { worker.pending }
}
