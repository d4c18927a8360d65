//! What the kernel needs of {{ name }}. As generated it talks to the built-in machine by the host-target interface: a word
//! stored to `tohost` is a request, the answer comes in `fromhost`. CHANGE: the four functions at the end.
{{ htif_board }}
