// `pellucid open`: a network that is small enough is computed here, a large one by the server.
import '../styles/page.css'
import { openApp } from '../sources/open'
import { begin } from './begin'

begin(openApp)
