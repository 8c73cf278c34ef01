extension Thumbnail {
  /// Scales the picture down: each pixel is the mean of the pixels that it covers.
  /// - Returns: nil when the picture is smaller than that in either direction, or `grey` has too few bytes.
  package func scaled(width: Int, height: Int) -> Thumbnail? {
    guard (1...max(1, self.width)).contains(width), (1...max(1, self.height)).contains(height),
      self.width > 0, self.height > 0, grey.count >= self.width * self.height
    else { return nil }
    if width == self.width && height == self.height { return self }
    var small: [UInt8] = []
    small.reserveCapacity(width * height)
    for row in 0..<height {
      let rows = row * self.height / height..<(row + 1) * self.height / height
      for column in 0..<width {
        let columns = column * self.width / width..<(column + 1) * self.width / width
        var sum = 0
        for y in rows { for x in columns { sum += Int(grey[y * self.width + x]) } }
        small.append(UInt8(sum / (rows.count * columns.count)))
      }
    }
    return Thumbnail(width: width, height: height, grey: small)
  }
}
