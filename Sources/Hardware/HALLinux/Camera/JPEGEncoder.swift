import EventLoop
import HAL
import Model

/// Turns frames into JPEGs on a thread of its own; libturbojpeg is loaded with the first one.
public final class JPEGEncoder {
  private let loop: EventLoop
  private let worker: Worker<JPEGCodec?>

  /// Makes an encoder; nothing is loaded and no thread runs yet.
  /// - Parameter loop: where the results are handed back.
  public init(loop: EventLoop) {
    self.loop = loop
    worker = Worker("jpeg", on: loop) { nil }
  }

  /// Compresses a frame at quality 85; a compressed one is passed through.
  /// - Parameter done: called once, on the loop's thread, after this call. Fails with `.protocolViolation` when the
  ///   bytes do not fit the format, and with `.system(ENOENT, …)` when libturbojpeg is not installed.
  public func encode(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void) {
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

  /// The codec, made when it is not there yet.
  static func ready(_ codec: inout JPEGCodec?) throws(HALError.Fault) -> JPEGCodec {
    if let codec { return codec }
    let made = try JPEGCodec()
    codec = made
    return made
  }

  /// How many frames wait or are being compressed.
  var pending: Int { worker.pending }
}
