import HAL
import Model

extension Thumbnail {
  /// The largest width in pixels.
  static let limit = 160

  /// Makes a small grey copy of an uncompressed picture: each pixel is the mean of a square of pixels.
  /// - Returns: nil for compressed pictures, and when the bytes do not match the format.
  init?(_ bytes: [UInt8], _ format: FrameFormat) {
    guard let size = format.size, bytes.count == size, format.width > 0, format.height > 0 else { return nil }
    let side = (format.width + Self.limit - 1) / Self.limit
    // YUYV starts with luma and alternates with chroma; NV12 starts with a plane of luma.
    let step = format.pixels == .yuyv ? 2 : format.pixels == .rgb24 ? 3 : 1
    let isColour = format.pixels == .rgb24
    let width = format.width / side
    let height = max(format.height / side, 1)
    let tall = min(side, format.height)
    var grey: [UInt8] = []
    grey.reserveCapacity(width * height)
    for row in 0..<height {
      for column in 0..<width {
        var sum = 0
        for y in (row * side)..<(row * side + tall) {
          var at = (y * format.width + column * side) * step
          for _ in 0..<side {
            // ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B, in 256ths.
            sum +=
              isColour
              ? (77 * Int(bytes[at]) + 150 * Int(bytes[at + 1]) + 29 * Int(bytes[at + 2])) >> 8 : Int(bytes[at])
            at += step
          }
        }
        grey.append(UInt8(sum / (side * tall)))
      }
    }
    self.init(width: width, height: height, grey: grey)
  }
}
