import CJPEG

/// A JPEG, decoded to grey by libturbojpeg.
package struct Picture {
  package var width: Int
  package var height: Int
  /// `width * height` bytes, 0 black to 255 white.
  package var grey: [UInt8]

  /// Decodes a JPEG.
  package init(jpeg: [UInt8]) throws {
    var library = openstarry_jpeg()
    guard unsafe openstarry_jpeg_load(&library) == 0, let handle = unsafe openstarry_jpeg_decompressor(&library) else {
      throw Failure("libturbojpeg cannot be loaded")
    }
    // SAFETY: we own the handle until the end of the scope.
    defer { unsafe openstarry_jpeg_destroy(&library, handle) }
    var (width, height): (Int32, Int32) = (0, 0)
    // SAFETY: the library reads `jpeg.count` bytes.
    guard unsafe openstarry_jpeg_header(&library, handle, jpeg, UInt(jpeg.count), &width, &height) == 0 else {
      throw Failure("a picture of \(jpeg.count) bytes is no JPEG")
    }
    var grey = [UInt8](repeating: 0, count: Int(width) * Int(height))
    // SAFETY: the array has room for every pixel.
    guard unsafe openstarry_jpeg_decompress(&library, handle, jpeg, UInt(jpeg.count), &grey, width, height, 1) == 0
    else { throw Failure("a JPEG of \(width)×\(height) is damaged") }
    (self.width, self.height, self.grey) = (Int(width), Int(height), grey)
  }

  /// The difference between the brightest and the darkest pixel; near 0 for an empty picture.
  package var contrast: Int { Int(grey.max() ?? 0) - Int(grey.min() ?? 0) }
}
