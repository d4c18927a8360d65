//! The plot of analysis time by text size, both axes logarithmic: synthetic programs as a line, real ones as dots.

use super::Results;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 310.0;
const RIGHT: f64 = 610.0;
const TOP: f64 = 30.0;
/// Powers of ten at the ends of the axes: 10 KB to 100 MB, 10 ms to 100 s.
const BYTES: (f64, f64) = (4.0, 8.0);
const SECONDS: (f64, f64) = (-2.0, 2.0);

/// The drawing.
pub fn svg(results: &Results) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for power in BYTES.0 as i32..=BYTES.1 as i32 {
        let at = x(10_f64.powi(power));
        let label = ["10 KB", "100 KB", "1 MB", "10 MB", "100 MB"][(power - 4) as usize];
        svg += &format!("<path d=\"M{at:.1} {TOP}V{BOTTOM}\" stroke=\"#ddd\"/>\n");
        svg += &format!("<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>\n", BOTTOM + 18.0);
    }
    for power in SECONDS.0 as i32..=SECONDS.1 as i32 {
        let at = y(10_f64.powi(power));
        let label = ["10 ms", "100 ms", "1 s", "10 s", "100 s"][(power + 2) as usize];
        svg += &format!("<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"#ddd\"/>\n");
        svg += &format!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n", LEFT - 8.0, at + 4.0);
    }
    svg += &format!("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">text of the program</text>\n", 340, HEIGHT - 10.0);
    svg += &line(results.growth.iter().map(|point| (point.text_bytes, point.objdump_seconds)), "#999");
    svg += &line(results.growth.iter().map(|point| (point.text_bytes, point.seconds)), "#06c");
    for row in &results.rows {
        let (x, y) = (x(row.text_bytes as f64), y(row.seconds));
        svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#c30\" fill-opacity=\"0.6\"/>\n");
    }
    for (at, colour, what) in [
        (45, "#06c", "zeroos manifest, synthetic programs"),
        (61, "#c30", "zeroos manifest, the corpus"),
        (77, "#999", "objdump -d, synthetic programs"),
    ] {
        svg += &format!("<text x=\"{}\" y=\"{at}\" fill=\"{colour}\">{what}</text>\n", LEFT + 12.0);
    }
    svg + "</svg>\n"
}

fn line(points: impl Iterator<Item = (u64, f64)>, colour: &str) -> String {
    let points: Vec<String> =
        points.map(|(bytes, seconds)| format!("{:.1},{:.1}", x(bytes as f64), y(seconds))).collect();
    format!("<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n", points.join(" "))
}

fn x(bytes: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * share(bytes, BYTES)
}

fn y(seconds: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * share(seconds, SECONDS)
}

/// Where a value lies between two powers of ten; what lies outside is put at the edge.
fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    ((value.max(1e-9).log10() - low) / (high - low)).clamp(0.0, 1.0)
}
