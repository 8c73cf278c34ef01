import HAL
import Model

extension FrameFormat {
  /// The size of a picture in bytes; nil for compressed formats.
  var size: Int? {
    switch pixels {
    case .mjpeg: nil
    case .yuyv: width * height * 2
    case .nv12: width * height + (width + 1) / 2 * ((height + 1) / 2) * 2
    case .rgb24: width * height * 3
    case .grey: width * height
    }
  }

  /// The length of the rows in bytes and their count, plane by plane; empty for compressed formats.
  var rows: [(length: Int, count: Int)] {
    switch pixels {
    case .mjpeg: []
    case .yuyv: [(width * 2, height)]
    case .nv12: [(width, height), ((width + 1) / 2 * 2, (height + 1) / 2)]
    case .rgb24: [(width * 3, height)]
    case .grey: [(width, height)]
    }
  }

  /// Checks that `count` bytes can be a picture of this format.
  /// - Throws: `protocolViolation` otherwise, or for more than 16384 pixels a side or 64 Mi pixels in all.
  func check(_ count: Int) throws(HALError.Fault) {
    guard (1...16384).contains(width), (1...16384).contains(height), width * height <= 64 << 20 else {
      throw .protocolViolation("a picture of \(width)×\(height) pixels is out of bounds")
    }
    if pixels == .yuyv && width % 2 != 0 || pixels == .nv12 && (width % 2 != 0 || height % 2 != 0) {
      throw .protocolViolation("\(pixels.rawValue) pictures have even sizes, not \(width)×\(height)")
    }
    guard let size, size != count else { return }
    throw .protocolViolation("a \(pixels.rawValue) picture of \(width)×\(height) has \(size) bytes, not \(count)")
  }
}
